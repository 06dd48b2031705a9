"""Commands of `ip` that make the nodes of a plan one at a time, for `ssh_baseline.py`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from emulator.forwarding.base import Role
from emulator.plan import Plan
from topologies.elements import Kind
from topologies.identifiers import interface_name

UDP_PORT, FIRST_VNI = 14789, 70_000
PREFIX = "ssh-"
"""Of namespaces of the baseline: both workers keep them in /run/netns of this computer."""


class Commands:
    """The commands that make each node of a plan, one a node, in the order in which nodes are made."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._topology = plan, plan.topology
        self._made: set[int] = set()
        tunnels = plan.cut.nonzero()[0].tolist()
        self._rank = dict(zip(tunnels, range(len(tunnels)), strict=True))

    def of_worker(self, worker: int) -> list[str]:
        """Return those of the nodes of a worker: switches, then hosts."""
        nodes = (self._plan.placement == worker).nonzero()[0].tolist()
        kinds = self._topology.kinds
        return [self.of(node) for node in sorted(nodes, key=lambda node: (kinds[node] == Kind.HOST, node))]

    def of(self, node: int) -> str:
        """Return the command that makes a node, with its links to nodes that are there already."""
        name = self._name(node)
        words = [f"ip netns add {name}", f"ip -n {name} link set lo up"]
        if self._topology.kinds[node] != Kind.HOST:
            words.append(f"ip -n {name} link add br0 type bridge")
            words.append(f"ip -n {name} link set br0 up")
        self._made.add(node)
        for link, end, port in self._topology.incident(node):
            other = int(self._topology.ends[link, 1 - end])
            if self._plan.cut[link]:
                words += [*self._tunnel(link, end), *self._settings(node, link, end)]
            elif other in self._made:
                there = interface_name(self._topology, other, int(self._topology.ports[link, 1 - end]))
                here = interface_name(self._topology, node, port)
                words.append(f"ip link add {here} netns {name} type veth peer name {there} "
                             f"netns {self._name(other)}")  # fmt: skip
                words += [*self._settings(node, link, end), *self._settings(other, link, 1 - end)]
        return " && ".join(words)

    def _tunnel(self, link: int, end: int) -> list[str]:
        node = int(self._topology.ends[link, end])
        underlay = self._plan.options["underlay"]["addresses"]
        local, remote = (
            underlay[self._plan.workers[int(self._plan.placement[self._topology.ends[link, side]])].name]
            for side in (end, 1 - end)
        )
        device = interface_name(self._topology, node, int(self._topology.ports[link, end]))
        vni = FIRST_VNI + self._rank[link]
        kind = f"type vxlan id {vni} local {local} remote {remote} dstport {UDP_PORT} nolearning"
        return [f"ip link add {device} {kind}", f"ip link set {device} netns {self._name(node)}"]

    def _settings(self, node: int, link: int, end: int) -> Iterator[str]:
        """Yield the commands that set up one end of a link."""
        name, port = self._name(node), int(self._topology.ports[link, end])
        device = interface_name(self._topology, node, port)
        mtu = self._topology.link_profile_of(link).effective_mtu
        yield f"ip -n {name} link set {device} mtu {mtu} up"
        if self._plan.forwarding.roles[link, end] == Role.BRIDGED:
            yield f"ip -n {name} link set {device} master br0"
        for address in self._plan.forwarding.addresses(node):
            if address.port == port:
                yield f"ip -n {name} address add {address.text}/{address.length} dev {device}"

    def _name(self, node: int) -> str:
        return f"{PREFIX}{self._topology.names[node]}"
