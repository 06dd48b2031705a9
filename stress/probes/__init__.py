"""Probes: packets sent all the time, to measure when the network answers and when it doesn't."""
