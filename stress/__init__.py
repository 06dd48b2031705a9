"""Shake a running network on schedule, measure everything, and say whether the limits held."""
