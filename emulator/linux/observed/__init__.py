"""Kernel state of a network, compared with its plan.

`parse` parses netlink answers. `read` requests them in one namespace. `compare` finds differences in one
node, `namespace` those of its namespace as a whole. `survey` compares all nodes, and
`emulator.linux.nodes.repair` removes the differences. `limits` compares control groups and sets them.
"""
