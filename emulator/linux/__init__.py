"""All that touches the kernel: netlink, namespaces, mounts, sysctls, processes."""
