"""Forwarding without a controller, computed from the graph. Pure."""
