"""Netlink messages that create one node, with its links to the nodes created before it.

The messages depend on the creation order (`creation_order`). One batch, sent from inside the node's own
namespace, creates the node and all its links to existing nodes. So both ends of each veth pair are created in
their final namespaces, and no end is ever moved. A host with one link costs a single `sendmsg`. Interface
indices are set, not read back.

A switch of Open vSwitch has no bridge device here. Its ports are created in the namespace that these switches
share, and the daemon adds them to its bridge (`emulator.ovs`).
"""

from __future__ import annotations

from collections.abc import Callable

from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT, Role
from emulator.indices import BRIDGE_INDEX, port_index
from emulator.linux.netlink import bridge_messages, messages, tunnel_messages
from emulator.linux.netlink.connection import Batch
from emulator.linux.netlink.qdisc import add_shape
from emulator.linux.netlink.settings_messages import add_address, add_routes_and_neighbours
from emulator.linux.nodes.creation_order import MakingOrder
from emulator.linux.nodes.link_ends import LinkEnds
from emulator.plan_part import PlanPart
from topologies.addressing import Address
from topologies.identifiers import bridge_name, mac
from topologies.link_mtu import IPV6_LEAST

_LOOPBACK_UP = messages.link_up(messages.LOOPBACK)
_ADDRESSED = int(Role.ADDRESSED)
_ON_NO_PORT = (BRIDGE_PORT, LOOPBACK_PORT)


class NodeMessages:
    """Writes the batches of a part's nodes, in the order `order`.

    Links that are down in the part are created and left down. With `running`, nodes may have all their
    ports already. Without it, they are new and have only those to older nodes.
    """

    def __init__(self, part: PlanPart, *, running: bool = False) -> None:
        self.order = MakingOrder(part, running=running)
        self._part = part
        self._ends = LinkEnds(part, self.order)
        self._forwarding = part.forwarding
        self._quiet = part.topology.pools.ipv6 is None
        self._is_pending: list[bool] = self.order.pending.tolist()
        self._tunnels: list[int] = part.tunnel_counts.tolist() if part.underlay else [0] * len(part.nodes)
        self._addresses = part.addresses.rows()
        self._first_address: list[int] = part.addresses.start.tolist()

    def first(self, node: int, namespace_of: Callable[[int], int]) -> Batch:
        """Return the batch that creates `node` and its links to older nodes.

        `namespace_of(other)` returns a descriptor of the namespace of an older node.
        """
        batch, node_row = Batch(), self._part.node_row[node]
        if self._forwarding.has_bridge(node) and not self._part.shared[node_row]:
            topology = self._part.topology
            bridge = bridge_name(topology, node)
            made = bridge_messages.bridge(bridge.encode(), BRIDGE_INDEX, mac(topology, node, BRIDGE_PORT))
            batch.add(made, "make bridge", bridge)
        batch.add(_LOOPBACK_UP, "bring up lo of", self._part.names[node_row])
        self.links_to_older(batch, node, namespace_of)
        if not self._is_pending[node_row]:
            self._whole_node(batch, node)
        return batch

    def second(self, node: int) -> Batch:
        """Return the batch that finishes a pending `node`: its ends of links to newer nodes."""
        batch = Batch()
        self.links_to_newer(batch, node)
        self._whole_node(batch, node)
        return batch

    def has_tunnels(self, node: int) -> bool:
        """Return whether the node has tunnels to other machines."""
        return self._tunnels[self._part.node_row[node]] > 0

    def tunnels(self, node: int, namespace: int, lower: int) -> Batch:
        """Return the batch that creates the ends of the node's tunnels in its `namespace` (a descriptor).

        Send it from the machine's own namespace, where the underlay device has the index `lower` (0: none).
        """
        batch, ends = Batch(), self._ends
        for row, end in ends.at(self._part.node_row[node]):
            if row >= ends.first_tunnel:
                name = ends.name[row][end]
                message = tunnel_messages.tunnel(
                    name.encode(), ends.index[row][end], ends.mac(row, end), namespace,
                    self._part.tunnel_ends[row - ends.first_tunnel],
                    master=ends.master[row][end], lower=lower, mtu=ends.mtu[row],
                    up=not ends.second_batch[row] and row not in ends.is_down,
                )  # fmt: skip
                batch.add(message, "make tunnel", name)
        return batch

    def links_to_older(self, batch: Batch, node: int, namespace_of: Callable[[int], int]) -> None:
        """Append the links of `node` to older nodes, and the setup of its ends."""
        ends = self._ends
        for row, end in ends.at(self._part.node_row[node]):
            if ends.is_to_older(row, end):
                self._veth(batch, row, end, namespace_of)
                self._port(batch, row, end)

    def links_to_newer(self, batch: Batch, node: int) -> None:
        """Append the setup of this node's ends of links to newer nodes."""
        ends = self._ends
        for row, end in ends.at(self._part.node_row[node]):
            if ends.second_batch[row] and not ends.is_to_older(row, end):
                self._port(batch, row, end)

    def _veth(self, batch: Batch, row: int, end: int, namespace_of: Callable[[int], int]) -> None:
        """Append the veth pair: the older node's end is the main device if possible, this node's the peer."""
        ends, far = self._ends, 1 - end
        names, index = ends.name[row], ends.index[row]
        if ends.newer_is_main[row]:
            message = messages.veth_here(
                names[end].encode(),
                index[end],
                ends.mac(row, end),
                peer_name=names[far].encode(),
                peer_index=index[far],
                peer_mac=ends.mac(row, far),
                namespace=namespace_of(ends.owner(row, far)),
                mtu=ends.mtu[row],
            )
        else:
            message = messages.veth(
                names[far].encode(),
                index[far],
                ends.mac(row, far),
                namespace_of(ends.owner(row, far)),
                ends.master[row][far],
                up=ends.role[row][far] != _ADDRESSED and row not in ends.is_down,
                peer_name=names[end].encode(),
                peer_index=index[end],
                peer_mac=ends.mac(row, end),
                mtu=ends.mtu[row],
            )
        batch.add(message, "make link", names[end])

    def _port(self, batch: Batch, row: int, end: int) -> None:
        """Append the setup of one existing end: its role, addresses and shape, then up.

        IPv4 addresses are added before the end comes up. Once both ends are up, a kernel worker takes the
        RTNL lock to record the carrier, and later messages wait for it. IPv6 addresses follow, because the
        kernel drops those added earlier.
        """
        ends = self._ends
        node_row, port, index = ends.node[row][end], ends.port[row][end], ends.index[row][end]
        label = ends.name[row][end]
        if ends.master[row][end]:
            batch.add(messages.link_master(index, BRIDGE_INDEX), "bridge", label)
        elif self._quiet and not self._part.shared[node_row] and ends.mtu[row] >= IPV6_LEAST:
            batch.add(messages.no_link_local(index), "quieten", label)
        own = [address for address in self._addresses_of(node_row) if address.port == port]
        for address in own:
            if address.version == 4:
                add_address(batch, index, address, label)
        if row not in ends.is_down:
            batch.add(messages.link_up(index), "bring up", label)
        for address in own:
            if address.version == 6:
                add_address(batch, index, address, label)
        shape = ends.shape[row][end]
        if shape is not None:
            add_shape(batch, index, shape, ends.mtu[row], label, is_new=True)

    def _whole_node(self, batch: Batch, node: int) -> None:
        """Append settings that need all ports of the node: addresses of its bridge, routes, neighbours."""
        node_row = self._part.node_row[node]
        if self._part.shared[node_row]:
            return
        for address in self._addresses_of(node_row):
            if address.port in _ON_NO_PORT:
                add_address(batch, port_index(address.port), address, self._part.names[node_row])
        add_routes_and_neighbours(batch, self._part, node)

    def _addresses_of(self, node_row: int) -> list[Address]:
        return self._addresses[self._first_address[node_row] : self._first_address[node_row + 1]]
