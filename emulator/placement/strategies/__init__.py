"""Placement strategies, one a file; they don't know each other."""
