"""A plan for several workers as input of a driver: JSON documents of workers, nodes and links. Pure.

Names are those of `program_name`. An interface's name is unique in the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from emulator.engines.driven.node_lines import host_address, is_switch, node_lines, program_name
from emulator.engines.driven.shaping import tc_options
from emulator.forwarding.base import Role
from emulator.forwarding.blocked import has_all_ports
from emulator.link_states import States, effective_shape
from emulator.ovs.bridges import KERNEL, USERSPACE, Bridge, bridges
from emulator.plan import Plan
from topologies.identifiers import dpid, interface_name, mac
from topologies.openflow import OpenFlow
from topologies.openflow_switches import controllers_of
from topologies.topology import Topology

Json = dict[str, Any]
End = dict[str, str]
"""A link's end for a step: {"node": name, "name": interface}."""


def document(
    plan: Plan, datapath: str, nodes: Iterable[int] | None = None, links: Iterable[int] | None = None
) -> Json:
    """Return the document of `plan`, or of some of its nodes and links.

    `datapath` (kernel or user) is that of the workers' Open vSwitch, for switches whose file says `auto`.
    """
    topology = plan.topology
    found = planned_bridges(plan, datapath)
    every = range(topology.node_count) if nodes is None else nodes
    addresses = {worker["name"]: worker["address"] for worker in worker_documents(plan)}
    return {
        "network": topology.name,
        "workers": [{"name": name, "address": address} for name, address in addresses.items()],
        "nodes": [_node(plan, node, found) for node in every],
        "links": [
            link_document(plan, link) for link in (range(topology.link_count) if links is None else links)
        ],
        "controllers": _controllers(topology),
    }


def worker_documents(plan: Plan) -> list[dict[str, str]]:
    """Return the name and the address of each worker."""
    given: Sequence[Mapping[str, Any]] = plan.options.get("workers", ())
    addresses = {worker["name"]: worker.get("address") or worker["name"] for worker in given}
    return [{"name": w.name, "address": addresses.get(w.name, w.name)} for w in plan.workers]


def planned_bridges(plan: Plan, datapath: str) -> dict[int, Bridge]:
    """Return the Open vSwitches of `plan` by node; `datapath` is for switches whose file says `auto`."""

    def of(openflow: OpenFlow) -> str:
        chosen = datapath if openflow.datapath == "auto" else openflow.datapath
        return KERNEL if chosen == "kernel" else USERSPACE

    return bridges(plan, of)


def _controllers(topology: Topology) -> list[Json]:
    return [
        {"name": name, "ip": controller.address, "port": controller.port}
        for name, controller in controllers_of(topology).items()
    ]


def _node(plan: Plan, node: int, found: Mapping[int, Bridge]) -> Json:
    topology = plan.topology
    out: Json = {"name": program_name(plan, node), "worker": int(plan.placement[node])}
    if not is_switch(plan, node):
        ports = [end.port for end in topology.incident(node)]
        first = mac(topology, node, min(ports)).hex(":") if ports else None
        return out | {
            "kind": "host", "router": plan.forwarding.is_router(node), "mac": first,
            "ip": host_address(plan, node),
        }  # fmt: skip
    profile = topology.node_profile_of(node)
    out |= {"kind": profile.switch, "dpid": dpid(topology, node), "ports": int(topology.degrees[node])}
    if node not in found:
        return out
    named = {controller: name for name, controller in controllers_of(topology).items()}
    bridge = found[node]
    return out | {
        "protocols": ",".join(bridge.protocols),
        "failMode": bridge.fail_mode,
        "datapath": "user" if bridge.datapath == USERSPACE else "kernel",
        "controllers": [named[controller] for controller in profile.openflow.controllers],
    }


def link_document(plan: Plan, link: int) -> Json:
    """Return the document of a link: both ends, whether it joins two workers, and its MTU."""
    return {
        "ends": [end_document(plan, link, end) for end in (0, 1)],
        "tunnel": bool(plan.cut[link]),
        "mtu": plan.topology.link_profile_of(link).effective_mtu,
    }


def end_document(plan: Plan, link: int, end: int, states: States | None = None) -> Json:
    """Return the document of a link's end; `states` are changes of links since `up`."""
    topology = plan.topology
    node, port = int(topology.ends[link, end]), int(topology.ports[link, end])
    first = port == min(other.port for other in topology.incident(node))
    mtu = topology.link_profile_of(link).effective_mtu
    return {
        **end_of(plan, node, port),
        "port": port,
        "mac": mac(topology, node, port).hex(":"),
        "ip": host_address(plan, node) if first else None,
        "shape": tc_options(effective_shape(topology, states or {}, link, end), mtu),
        "up": bool(plan.links_up[link]),
        "blocked": _is_blocked(plan, link, end),
    }


def end_of(plan: Plan, node: int, port: int) -> End:
    """Return a port as steps name it."""
    return {"node": program_name(plan, node), "name": interface_name(plan.topology, node, port)}


def ends_of(plan: Plan, links: Iterable[int]) -> list[End]:
    """Return both ends of links as steps name them."""
    rows = [(plan.topology.ends[link].tolist(), plan.topology.ports[link].tolist()) for link in links]
    return [
        end_of(plan, node, port) for nodes, ports in rows for node, port in zip(nodes, ports, strict=True)
    ]


def blocked_ends(plan: Plan, links: Iterable[int] | None = None) -> list[End]:
    """Return the ports of switches that stay out of their bridge, since they would close a loop."""
    topology = plan.topology
    return [
        end_of(plan, int(topology.ends[link, end]), int(topology.ports[link, end]))
        for link in (range(topology.link_count) if links is None else links)
        for end in (0, 1)
        if _is_blocked(plan, link, end)
    ]


def _is_blocked(plan: Plan, link: int, end: int) -> bool:
    """Return whether a link's end is the port of a switch that stays out of its bridge."""
    node = int(plan.topology.ends[link, end])
    if plan.forwarding.roles[link, end] != Role.BLOCKED or not is_switch(plan, node):
        return False
    profile = plan.topology.node_profile_of(node)
    return profile.switch == "bridge" or not has_all_ports(profile.openflow)


def lines_of(plan: Plan, nodes: Iterable[int]) -> dict[str, list[str]]:
    """Return the lines for `ip -batch` of hosts and routers, by name; the program configures switches."""
    found = {program_name(plan, node): _lines(plan, node) for node in nodes if not is_switch(plan, node)}
    return {name: lines for name, lines in found.items() if lines}


def _lines(plan: Plan, node: int) -> list[str]:
    topology = plan.topology
    macs = [
        f"link set dev {interface_name(topology, node, port)} address {mac(topology, node, port).hex(':')}"
        for _, _, port in topology.incident(node)
    ]
    return [*macs, *node_lines(plan, node)]
