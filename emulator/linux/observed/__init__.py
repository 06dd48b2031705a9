"""The state that the kernel holds of a network, compared with what its plan wants.

`parse` reads netlink answers, `read` asks for them in one namespace, `compare` finds what differs in one
node, `namespace` what holds for it as a whole, `survey` goes through all nodes. `emulator.linux.nodes.repair`
carries the difference out. `limits` compares control groups, and sets them.
"""
