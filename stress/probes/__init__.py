"""Probes: packets sent continuously, to measure when the network answers and when it doesn't."""
