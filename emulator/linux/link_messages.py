"""The messages of single links and ports of nodes that run already."""

from __future__ import annotations

from collections.abc import Callable

from emulator.linux import messages
from emulator.linux.netlink import Batch
from emulator.linux.node_messages import NodeMessages, port_index
from emulator.plan import Plan


class LinkMessages(NodeMessages):
    """What `NodeMessages` writes for whole nodes, link by link: all other ports may be there."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, plan.topology.degrees)

    def newer_node(self, link: int) -> int:
        """Return the node at the end of `link` from which the link is made."""
        return max(self._ends[link], key=self._when.__getitem__)

    def needs_older_end(self, link: int) -> bool:
        """Return whether the older end of `link` must be readied as well, in a batch of its own."""
        return self._late[link]

    def link(self, batch: Batch, link: int, namespace_of: Callable[[int], int]) -> None:
        """Add what makes `link` from its newer node, and readies that node's end."""
        node = self.newer_node(link)
        end = self._ends[link].index(node)
        self._veth(batch, node, link, end, namespace_of)
        self._port(batch, node, link, end)

    def after_up(self, batch: Batch, node: int, port: int) -> None:
        """Add what the kernel drops when a port goes down: IPv6 addresses, routes, neighbours."""
        if not self._quiet:
            for address in self._addresses(node):
                if address.port == port and address.version == 6:
                    made = messages.address(port_index(port), address.packed, address.length)
                    batch.add(made, f"give {address.text} to", self._names[node])
        self._whole_node(batch, node)
