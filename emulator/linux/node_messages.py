"""The netlink messages that make one node, with its links to the nodes made before it.

Order decides everything here. Nodes are made one after the other, switches before hosts; a node
is made together with all its links to nodes that exist already, in one batch sent from inside its
own namespace. So both ends of each veth pair are made where they stay, nothing is ever moved, and
a host with one link costs a single `sendmsg`. Interface indices are given, not read back.

Which end is the main one? The older node's, as it becomes a port of its bridge and comes up in the
same message. But kernels before 6.15 look for the main end's index among the interfaces of the
socket's namespace, wherever the end is to be made, and say EEXIST: so a node that may have ports
already makes its own end the main one, and the older node readies the other in a second batch.

A switch of Open vSwitch has no bridge device here: its ports are made in the namespace that such
switches share, and the daemon takes them (`emulator.ovs`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT, Role
from emulator.forwarding.spanning_tree import bridging_nodes
from emulator.indices import BRIDGE_INDEX, port_index
from emulator.linux import bridge_messages, messages
from emulator.linux.layer3_messages import give_address, give_ways
from emulator.linux.netlink import Batch
from emulator.linux.qdisc import shape_messages
from emulator.plan import Plan
from topologies.addressing import Address
from topologies.identifiers import bridge_name, mac, port_name
from topologies.link_mtu import IPV6_LEAST, USUAL
from topologies.topology import Kind, Topology

_LOOPBACK_UP = messages.link_up(messages.LOOPBACK)
_ADDRESSED = int(Role.ADDRESSED)
_RUN, _RUN_LINKS = 64, 128
_ON_NO_PORT = (BRIDGE_PORT, LOOPBACK_PORT)


class NodeMessages:
    """Writes the batches of a plan's nodes; `sequence` (int64[n]) is the order to make them in.

    `taken` (int64[n]) says how many ports a node may have when its last link is made; without it nodes
    are new and have none but those to older nodes.

    `cut` are the links that the plan has down: they are made, and left down.

    `pending` (bool[n]) says which nodes need a second batch, once all nodes exist: those whose end
    of a link to a newer node must still be addressed, shaped or brought up.

    Arrays become lists at the start: a number out of a list costs a tenth of one out of an array,
    and a node's messages take 12 µs in all.
    """

    def __init__(self, plan: Plan, taken: npt.NDArray[np.int64] | None = None) -> None:
        topology = plan.topology
        self._indices = plan.indices
        self._index = self._indices.ends
        self._shared = self._indices.shared
        self._topology = topology
        self._plan = plan
        self._forwarding = plan.forwarding
        self._quiet = topology.pools.ipv6 is None
        self.cut = frozenset(() if plan.up is None else np.flatnonzero(~plan.up).tolist())
        roles = self._forwarding.roles
        shared = np.array(self._shared, dtype=bool)
        self._roles: list[list[int]] = roles.tolist()
        masters = np.where((roles == Role.BRIDGED) & ~shared[topology.ends], BRIDGE_INDEX, 0)
        self._masters: list[list[int]] = masters.tolist()
        self._ends: list[list[int]] = topology.ends.tolist()
        self._ports: list[list[int]] = topology.ports.tolist()
        self._profiles: list[int] = topology.link_profile.tolist()
        self._plain = [(p.forward.is_plain, p.backward.is_plain) for p in topology.link_profiles]
        self._mtus = [p.mtu or USUAL for p in topology.link_profiles]
        self._names = list(topology.names)
        self._addressed: tuple[int, tuple[Address, ...]] = (-1, ())
        start, slots = topology.incidence
        self._start: list[int] = start.tolist()
        self._slots: list[int] = slots.tolist()
        self.sequence = making_order(topology)
        when = np.empty(len(self.sequence), dtype=np.int64)
        when[self.sequence] = np.arange(len(self.sequence))
        self._when: list[int] = when.tolist()
        newer = topology.ends[np.arange(topology.link_count), np.argmax(when[topology.ends], axis=1)]
        ports = np.bincount(newer, minlength=len(when)) if taken is None else taken
        here = (ports[newer] > 1) & ~shared[topology.ends].any(axis=1)
        late = _late(topology, roles, when) | here
        self._here: list[bool] = here.tolist()
        self._late: list[bool] = late.tolist()
        self.pending = _pending(topology, roles, when, late)
        self._is_pending: list[bool] = self.pending.tolist()

    def first(self, node: int, namespace_of: Callable[[int], int]) -> Batch:
        """Return the batch that makes `node` and its links to the nodes made before.

        `namespace_of(other)` returns a descriptor of the namespace of a node made before.
        """
        batch = Batch()
        if self._forwarding.has_bridge(node) and not self._shared[node]:
            bridge = bridge_name(self._topology, node)
            made = bridge_messages.bridge(
                bridge.encode(), BRIDGE_INDEX, mac(self._topology, node, BRIDGE_PORT)
            )
            batch.add(made, "make bridge", bridge)
        batch.add(_LOOPBACK_UP, "bring up lo of", self._names[node])
        self.links_to_older(batch, node, namespace_of)
        if not self._is_pending[node]:
            self._whole_node(batch, node)
        return batch

    def second(self, node: int) -> Batch:
        """Return the batch that finishes a pending `node`: its ends of links to newer nodes."""
        batch = Batch()
        self.links_to_newer(batch, node)
        self._whole_node(batch, node)
        return batch

    def links_to_older(self, batch: Batch, node: int, namespace_of: Callable[[int], int]) -> None:
        """Add the links of `node` to the nodes made before it, and what readies its ends."""
        when = self._when[node]
        for slot in self._slots[self._start[node] : self._start[node + 1]]:
            link, end = slot >> 1, slot & 1
            if self._when[self._ends[link][1 - end]] < when:
                self._veth(batch, node, link, end, namespace_of)
                self._port(batch, node, link, end)

    def links_to_newer(self, batch: Batch, node: int) -> None:
        """Add what readies the ends of `node` of links to the nodes made after it."""
        when = self._when[node]
        for slot in self._slots[self._start[node] : self._start[node + 1]]:
            link, end = slot >> 1, slot & 1
            if self._late[link] and self._when[self._ends[link][1 - end]] > when:
                self._port(batch, node, link, end)

    def _veth(self, batch: Batch, node: int, link: int, end: int, namespace_of: Callable[[int], int]) -> None:
        """Add the pair: the older node's end as the main device where it can be, this node's as the peer."""
        topology = self._topology
        other = self._ends[link][1 - end]
        port, other_port = self._ports[link][end], self._ports[link][1 - end]
        index, other_index = self._index[link][end], self._index[link][1 - end]
        own_name = port_name(self._names[node], node, port)
        if self._here[link]:
            message = messages.veth_here(
                own_name.encode(),
                index,
                mac(topology, node, port),
                peer_name=port_name(self._names[other], other, other_port).encode(),
                peer_index=other_index,
                peer_mac=mac(topology, other, other_port),
                namespace=namespace_of(other),
                mtu=self._mtus[self._profiles[link]],
            )
            batch.add(message, "make link", own_name)
            return
        message = messages.veth(
            port_name(self._names[other], other, other_port).encode(),
            other_index,
            mac(topology, other, other_port),
            namespace_of(other),
            self._masters[link][1 - end],
            up=self._roles[link][1 - end] != _ADDRESSED and link not in self.cut,
            peer_name=own_name.encode(),
            peer_index=index,
            peer_mac=mac(topology, node, port),
            mtu=self._mtus[self._profiles[link]],
        )
        batch.add(message, "make link", own_name)

    def _port(self, batch: Batch, node: int, link: int, end: int) -> None:
        """Add what makes one existing end ready: its role, addresses, shape, and up.

        IPv4 addresses go first: once both ends are up a kernel worker takes the RTNL lock to note
        the carrier, and every message that comes then waits for it. IPv6 drops what it gets before.
        """
        port, index = self._ports[link][end], self._index[link][end]
        label = port_name(self._names[node], node, port)
        if self._masters[link][end]:
            batch.add(messages.link_master(index, BRIDGE_INDEX), "bridge", label)
        elif self._quiet and not self._shared[node] and self._mtus[self._profiles[link]] >= IPV6_LEAST:
            batch.add(messages.no_link_local(index), "quieten", label)
        own = [address for address in self._addresses(node) if address.port == port]
        for address in own:
            if address.version == 4:
                give_address(batch, index, address, label)
        if link not in self.cut:
            batch.add(messages.link_up(index), "bring up", label)
        for address in own:
            if address.version == 6:
                give_address(batch, index, address, label)
        number = self._profiles[link]
        if not self._plain[number][end]:
            profile = self._topology.link_profiles[number]
            shape = profile.backward if end else profile.forward
            for shaping in shape_messages(index, shape, self._mtus[number]):
                batch.add(shaping, "shape", label)

    def _whole_node(self, batch: Batch, node: int) -> None:
        """Add what needs all of the node's ports: addresses of its bridge, routes, neighbours."""
        if self._shared[node]:
            return
        name = self._names[node]
        for address in self._addresses(node):
            if address.port in _ON_NO_PORT:
                give_address(batch, port_index(address.port), address, name)
        give_ways(batch, self._plan, node)

    def _addresses(self, node: int) -> tuple[Address, ...]:
        """Return the addresses of `node`, computed once while its messages are written."""
        if self._addressed[0] != node:
            self._addressed = node, self._forwarding.addresses(node)
        return self._addressed[1]


def runs(topology: Topology, sequence: npt.NDArray[np.int64]) -> Iterator[list[int]]:
    """Yield the nodes of `sequence` in runs of up to 64 that have no links among each other.

    The messages of a run can be written before its first node is made: in one go, while the
    interpreter is warm, they cost a third. A run has at most 128 links to older nodes unless it is one node.
    """
    when = np.empty(len(sequence), dtype=np.int64)
    when[sequence] = np.arange(len(sequence))
    ends = when[topology.ends]
    newer = ends.max(axis=1)
    latest = np.full(len(sequence), -1, dtype=np.int64)
    np.maximum.at(latest, newer, ends.min(axis=1))
    neighbours: list[int] = latest.tolist()
    links: list[int] = np.bincount(newer, minlength=len(sequence)).tolist()
    nodes: list[int] = sequence.tolist()
    start = total = 0
    for at in range(len(nodes)):
        total += links[at]
        if at > start and (at - start == _RUN or neighbours[at] >= start or total > _RUN_LINKS):
            yield nodes[start:at]
            start, total = at, links[at]
    yield nodes[start:]


def making_order(topology: Topology) -> npt.NDArray[np.int64]:
    """Return the nodes (int64[n]) in the order to make them: those that forward, then hosts by switch.

    Hosts of one switch follow each other, so that few namespaces need to be open at a time.
    """
    passes = bridging_nodes(topology) | (topology.kinds == Kind.ROUTER)
    nearest = np.full(topology.node_count, topology.node_count, dtype=np.int64)
    a, b = topology.ends[:, 0], topology.ends[:, 1]
    np.minimum.at(nearest, a, b)
    np.minimum.at(nearest, b, a)
    nearest[passes] = 0
    return np.lexsort((np.arange(topology.node_count), nearest, ~passes))


def _late(
    topology: Topology, roles: npt.NDArray[np.uint8], when: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Return at which links (bool[m]) the older end must be addressed or shaped, which its node does."""
    shaped = np.array([[not p.forward.is_plain, not p.backward.is_plain] for p in topology.link_profiles])
    needs = (roles == Role.ADDRESSED) | shaped[topology.link_profile]
    older = np.argmin(when[topology.ends], axis=1)
    late: npt.NDArray[np.bool_] = needs[np.arange(topology.link_count), older]
    return late


def _pending(
    topology: Topology,
    roles: npt.NDArray[np.uint8],
    when: npt.NDArray[np.int64],
    late: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Return which nodes have a second batch (bool[n]): the older ends of `late` links."""
    older = np.argmin(when[topology.ends], axis=1)
    pending = np.zeros(topology.node_count, dtype=bool)
    pending[topology.ends[np.arange(topology.link_count), older][late]] = True
    # IPv6 takes a gateway only where the wire has a carrier: routes over a wire wait for its older end
    wires = (roles == Role.ADDRESSED).all(axis=1)
    pending[topology.ends[wires]] = True
    return pending
