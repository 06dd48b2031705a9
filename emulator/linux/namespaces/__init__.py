"""Namespaces and mounts: store a network's namespaces, enter and leave them."""
