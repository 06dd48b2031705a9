"""Checks of a running network against its graph."""
