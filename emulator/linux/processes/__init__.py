"""Processes: start, wait for and find them; signals."""
