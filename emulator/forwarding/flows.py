"""Flows for switches without a controller, computed from the graph and installed before the first frame.

Some frames match no other flow: broadcasts, multicasts, and addresses outside the graph. A switch sends
them over the spanning tree. Each part of the network gets one copy, and no loop is possible. For every
address of the graph a switch has one flow. The mode decides where it leads:

- `tree`: out of the one port that leads to the address along the tree;
- `ecmp`: out of all ports that begin a shortest path among switches of this mode. A select group hashes a
frame's addresses and ports, so the frames of one connection stay in order.

Other bridging nodes (the kernel's bridges, relaying hosts, switches of the other mode) use the tree's
links only. Some of them may have two paths to ECMP switches. A learning bridge there floods an unknown
address, and both copies would be delivered: `flow_problems.problems` refuses such a topology.

Switches watch the liveness of next hops (`watch_port`): they leave a link at once when it goes down here.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from operator import attrgetter
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import BRIDGE_PORT, Role
from emulator.forwarding.protocol import Forwarding
from emulator.forwarding.select_groups import PROTOCOL, SelectGroups
from topologies.graph_arrays import UNREACHED, Adjacency, both_ways, distances
from topologies.identifiers import mac
from topologies.openflow_switches import OPENFLOW_SWITCHES
from topologies.topology import Kind, Topology

__all__ = ["PROTOCOL", "FlowTables", "computed", "ecmp_links", "switches_with"]

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Mode = Literal["tree", "ecmp"]

_LOCAL = "LOCAL"
_RESERVED = "priority=30,dl_dst=01:80:c2:00:00:00/ff:ff:ff:ff:ff:f0,actions=drop"
"""Frames that no bridge forwards: IEEE 802.1D, table 7-10."""


class FlowTables(NamedTuple):
    """Lines for `ovs-ofctl`, by switch: first those for `add-groups`, then those for `add-flows`."""

    groups: dict[int, list[str]]
    flows: dict[int, list[str]]


def switches_with(topology: Topology, mode: Mode) -> Bools:
    """Return which switches have computed flows of this mode: bool[n]."""
    asks = np.array([
        profile.switch in OPENFLOW_SWITCHES
        and profile.openflow.flows == mode
        and not profile.openflow.controllers
        for profile in topology.node_profiles
    ], dtype=bool)  # fmt: skip
    found: Bools = (topology.kinds == Kind.SWITCH) & asks[topology.node_profile]
    return found


def computed(topology: Topology, forwarding: Forwarding, mode: Mode, up: Bools | None = None) -> FlowTables:
    """Return the flows and groups of the switches of `mode`.

    `up` marks the links that are up (bool[m]; None: all); `forwarding` must be computed for the same links.
    """
    return _Computation(topology, forwarding, mode, up).tables()


class _Computation:
    """Computation for one mode. Edge 2k leaves end 0 of link k, edge 2k + 1 leaves its end 1."""

    def __init__(self, topology: Topology, forwarding: Forwarding, mode: Mode, up: Bools | None) -> None:
        self._topology = topology
        self._forwarding = forwarding
        self._ours = switches_with(topology, mode)
        self._up = np.ones(topology.link_count, dtype=bool) if up is None else up
        roles = forwarding.roles
        self._tree: Bools = self._up & (roles != Role.BLOCKED).all(axis=1)
        inner = self._tree & (roles == Role.BRIDGED).all(axis=1)
        self._spread = self._up & ecmp_links(topology) if mode == "ecmp" else np.zeros_like(self._up)
        inner = inner | self._spread
        links = np.flatnonzero(inner)
        tails, heads = both_ways(topology.ends[links].astype(np.int64))
        self._tails: Ints = tails
        self._out: Ints = topology.ports[links].astype(np.int64).ravel()
        self._graph = Adjacency(tails, heads, topology.node_count)

    def tables(self) -> FlowTables:
        """Return the tables of all switches of this mode."""
        groups: dict[int, SelectGroups] = {}
        flows: dict[int, list[str]] = {}
        for switch in np.flatnonzero(self._ours).tolist():
            groups[switch] = SelectGroups(switch)
            flows[switch] = [_RESERVED, *self._guards(switch)]
        for node, attached in self._attached.items():
            if node in flows:
                flows[node] += [_flow(address, f"output:{port}") for address, port in attached]
            heads = [f"priority=10,dl_dst={address},actions=" for address, _ in attached]
            for switch, ports in self._next_hops(node):
                action = groups[switch].action(ports)
                flows[switch] += [head + action for head in heads]
        return FlowTables({switch: made.lines for switch, made in groups.items()}, flows)

    def _guards(self, switch: int) -> list[str]:
        """Return the flows for frames from blocked links, and for frames without another flow."""
        flood: list[str] = []
        out: list[str] = []
        for link, _, port in sorted(self._topology.incident(switch), key=attrgetter("port")):
            if self._tree[link]:
                flood.append(f"output:{port}")
            else:  # a link of equal cost may carry unicast frames, but no broadcasts
                out.append(f"priority={1 if self._spread[link] else 20},in_port={port},actions=drop")
        if switch in self._addressed:
            flood.append(f"output:{_LOCAL}")
        return [*out, f"priority=0,actions={','.join(flood) or 'drop'}"]

    @cached_property
    def _addressed(self) -> dict[int, None]:
        """Bridging nodes with own addresses: relaying hosts, and nodes with addresses in the file."""
        topology, bridge = self._topology, self._forwarding.has_bridge
        explicit = [node for node, values in topology.explicit.items() if values.addresses]
        nodes = [*topology.hosts.tolist(), *explicit]
        routes = self._forwarding.is_router
        return dict.fromkeys(node for node in sorted(nodes) if bridge(node) and not routes(node))

    @cached_property
    def _attached(self) -> dict[int, list[tuple[str, str]]]:
        """The addresses at each bridging node, with the port to each."""
        topology, roles = self._topology, self._forwarding.roles
        out: dict[int, list[tuple[str, str]]] = {}
        for end in (0, 1):
            leads = self._up & (roles[:, end] == Role.BRIDGED) & (roles[:, 1 - end] == Role.ADDRESSED)
            links = np.flatnonzero(leads)
            near, far = topology.ends[links, end].tolist(), topology.ends[links, 1 - end].tolist()
            ports, far_ports = topology.ports[links, end].tolist(), topology.ports[links, 1 - end].tolist()
            for node, port, other, other_port in zip(near, ports, far, far_ports, strict=True):
                address = mac(topology, other, other_port).hex(":")
                out.setdefault(node, []).append((address, str(port)))
        for node in self._addressed:
            address = mac(topology, node, BRIDGE_PORT).hex(":")
            out.setdefault(node, []).append((address, _LOCAL))
        return {node: sorted(out[node]) for node in sorted(out)}

    def _next_hops(self, node: int) -> Iterable[tuple[int, tuple[int, ...]]]:
        """Return the ports by which each switch of this mode begins a shortest path to `node`."""
        distance = distances(self._graph, np.array([node]))
        nearer = distance[self._graph.heads] == distance[self._tails] - 1
        nearer &= (distance[self._tails] != UNREACHED) & self._ours[self._tails]
        found = np.flatnonzero(nearer & (self._tails != node))
        out: dict[int, list[int]] = {}
        for switch, port in zip(self._tails[found].tolist(), self._out[found].tolist(), strict=True):
            out.setdefault(switch, []).append(port)
        return ((switch, tuple(sorted(ports))) for switch, ports in sorted(out.items()))


def _flow(address: str, action: str) -> str:
    return f"priority=10,dl_dst={address},actions={action}"


def ecmp_links(topology: Topology) -> Bools:
    """Return which links are between two ECMP switches: bool[m]."""
    both = switches_with(topology, "ecmp")[topology.ends]
    return both[:, 0] & both[:, 1]
