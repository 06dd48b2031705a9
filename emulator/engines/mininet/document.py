"""A plan as input of the driver: JSON documents of nodes, links and controllers. Pure.

The documents use Mininet's names. A switch has the name of its bridge, since Linux allows 15 characters
there. An interface's name is unique in the network, so it also identifies its link.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from emulator.controllers.endpoints import endpoints
from emulator.engines.driven.node_lines import Lines, host_address, is_switch, node_lines, program_name
from emulator.engines.driven.shaping import soft_queue, tc_options
from emulator.forwarding.base import Role
from emulator.forwarding.blocked import has_all_ports
from emulator.ovs.bridges import USERSPACE, Bridge
from emulator.plan import Plan
from topologies.identifiers import bridge_name, dpid, interface_name, mac
from topologies.openflow_switches import controllers_of
from topologies.profiles import Shape
from topologies.topology import Topology

Json = dict[str, Any]


@dataclass
class Document:
    """A network for Mininet. Keys are Mininet's names; for links, the interface at the first end."""

    nodes: dict[str, Json]
    links: dict[str, Json]
    controllers: list[Json]
    lines: Mapping[str, Lines]
    out: dict[str, frozenset[str]]
    """The interfaces that stay out of each switch, since they would close a loop."""
    cut: frozenset[str] = frozenset()
    """The links that are down."""


def controller_names(topology: Topology) -> dict[str, str]:
    """Return Mininet's name of each controller: its own name unless a node has it."""
    taken = set(topology.names)
    return {name: f"controller.{name}" if name in taken else name for name in controllers_of(topology)}


def document(plan: Plan, found: Mapping[int, Bridge]) -> Document:
    """Return the document of `plan`; `found` are its Open vSwitches (`emulator.ovs.switches.bridges_of`)."""
    names = [program_name(plan, node) for node in range(plan.topology.node_count)]
    soft = soft_switches(found)
    links = dict(_link(plan, link, soft) for link in range(plan.topology.link_count))
    return Document(
        nodes={names[node]: _node(plan, node, names[node], found) for node in range(len(names))},
        links=links,
        controllers=_controllers(plan.topology),
        lines=_Lines(plan, {name: node for node, name in enumerate(names)}),
        out={names[node]: _out(plan, node) for node in range(len(names)) if is_switch(plan, node)},
        cut=frozenset(() if plan.up is None else (n for n, up in zip(links, plan.up, strict=True) if not up)),
    )


class _Lines(Mapping[str, Lines]):
    """The lines of each node, computed on request: static ARP needs one per pair of hosts."""

    def __init__(self, plan: Plan, nodes: Mapping[str, int]) -> None:
        self._plan = plan
        self._nodes = nodes

    def __getitem__(self, name: str) -> Lines:
        return node_lines(self._plan, self._nodes[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)


def _controllers(topology: Topology) -> list[Json]:
    named = controller_names(topology)
    ports = endpoints(controllers_of(topology))
    return [{"name": named[name], "port": port} for name, port in ports.items()]


def _out(plan: Plan, node: int) -> frozenset[str]:
    """Return the interfaces of the switch `node` that stay out of it."""
    topology = plan.topology
    profile = topology.node_profile_of(node)
    if profile.switch != "bridge" and has_all_ports(profile.openflow):
        return frozenset()
    return frozenset(
        interface_name(topology, node, port)
        for link, end, port in topology.incident(node)
        if plan.forwarding.roles[link, end] == Role.BLOCKED
    )


def _node(plan: Plan, node: int, name: str, found: Mapping[int, Bridge]) -> Json:
    """Return the definition of a node; a node with another definition must be created again."""
    topology = plan.topology
    if not is_switch(plan, node):
        bridge = bridge_name(topology, node) if plan.forwarding.has_bridge(node) else None
        routes = plan.forwarding.is_router(node)
        return {"name": name, "kind": "host", "router": routes, "bridge": bridge}
    profile = topology.node_profile_of(node)
    out: Json = {"name": name, "kind": profile.switch, "dpid": dpid(topology, node)}
    if profile.switch == "bridge":
        return out
    flow = profile.openflow
    own = {controller: name for name, controller in controllers_of(topology).items()}
    named, ports = controller_names(topology), endpoints(controllers_of(topology))
    out["controllers"] = [named[own[controller]] for controller in flow.controllers]
    out["targets"] = [ports[own[controller]] for controller in flow.controllers]
    if profile.switch == "user":
        out["dpid"] = out["dpid"][-12:]  # the length that ofdatapath accepts
        return out
    return out | {
        "protocols": ",".join(found[node].protocols),
        "failMode": found[node].fail_mode,
        "datapath": "user" if found[node].datapath == USERSPACE else "kernel",
    }


def _link(plan: Plan, link: int, soft: AbstractSet[int]) -> tuple[str, Json]:
    topology = plan.topology
    ends = [end_document(plan, link, end, soft, topology.shape(link, end)) for end in (0, 1)]
    return str(ends[0]["name"]), {"ends": ends}


def end_document(plan: Plan, link: int, end: int, soft: AbstractSet[int], shape: Shape) -> Json:
    """Return the document of a link's end with `shape`; `soft` are the Open vSwitches in user space."""
    topology = plan.topology
    node, other = int(topology.ends[link, end]), int(topology.ends[link, 1 - end])
    port = int(topology.ports[link, end])
    mtu = topology.link_profile_of(link).effective_mtu
    first = port == min(end.port for end in topology.incident(node))
    return {
        "node": program_name(plan, node),
        "port": port,
        "ip": host_address(plan, node) if first else None,
        "name": interface_name(topology, node, port),
        "mac": mac(topology, node, port).hex(":"),
        "shape": tc_options(shape, mtu),
        "queue": soft_queue(shape, mtu) if node in soft else None,
        "plain_sums": other in soft and not is_switch(plan, node),
    }


def soft_switches(found: Mapping[int, Bridge]) -> frozenset[int]:
    """Return the Open vSwitches with a datapath in user space."""
    return frozenset(node for node, bridge in found.items() if bridge.datapath == USERSPACE)
