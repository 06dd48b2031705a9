"""Netlink: a socket that sends batches, and the formats of its messages."""
