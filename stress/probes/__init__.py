"""Probes: questions asked all the time, to find out when the network answers and when it doesn't."""
