"""Namespaces and mounts: the store that keeps a network's namespaces, entering and leaving them."""
