"""Checks of a running network against what its graph says."""
