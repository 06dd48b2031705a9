"""Kernel access: netlink, namespaces, mounts, sysctls, processes."""
