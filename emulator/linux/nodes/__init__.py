"""Nodes: create, change, repair and remove them."""
