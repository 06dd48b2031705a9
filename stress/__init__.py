"""Stress tests: operations on a running network by a schedule, measurements, and verdicts on limits."""
