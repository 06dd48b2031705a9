"""A plan as JSON, for `emulator plan --json`; it contains no fact about this machine.

The same file gives the same bytes anywhere, with the same workers. Graphs without a hierarchy also need
the same pymetis.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emulator.forwarding.base import BRIDGE_PORT, LOOPBACK_PORT, Role
from emulator.overlay.summary import light_port, light_summary
from emulator.plan import Plan
from topologies.identifiers import bridge_name, interface_name, mac
from topologies.outside_nodes import kind_word
from topologies.segments import is_routed
from topologies.topology import Kind, Topology

_MOST = 8


def summary(plan: Plan) -> dict[str, Any]:
    """Return counts, placement, forwarding and forecast of `plan`.

    Memory is in bytes, seconds are a forecast of the deployment. `refusals` concern the workers' capacities;
    an engine may add others. `light_ports` (see `emulator.overlay.summary`) is
    missing without any.
    """
    topology = plan.topology
    cut = int(np.count_nonzero(plan.cut))
    return {
        "network": topology.name,
        "engine": plan.engine,
        "nodes": topology.kind_counts(),
        "links": topology.link_count,
        "fidelity": topology.fidelity_counts(),
        **({"light_ports": light_summary(plan.overlay.ports, plan.engine)} if plan.overlay else {}),
        "forwarding": {
            "kind": "routed" if is_routed(topology) else "bridged",
            "blocked": int(np.count_nonzero(plan.blocked)),
        },
        "placement": {
            "method": plan.method,
            "cut_links": cut,
            "cut_share": round(cut / max(topology.link_count, 1), 6),
        },
        "workers": _workers(plan),
        "forecast": {"memory_bytes": int(plan.counts.memory.sum()), "seconds": round(plan.seconds, 3)},
        "warnings": list(plan.warnings),
        "refusals": plan.refusals(),
    }


def _workers(plan: Plan) -> list[dict[str, Any]]:
    counts = plan.counts
    columns = (counts.nodes, counts.kinds, counts.ports, counts.links, counts.tunnels, counts.memory)
    rows = zip(plan.workers, *(column.tolist() for column in columns), strict=True)
    return [
        {
            "name": worker.name,
            "nodes": nodes,
            "kinds": {kind.word: kinds[kind] for kind in Kind if kinds[kind]},
            "ports": ports,
            "links": links,
            "tunnels": tunnels,
            "memory_bytes": memory,
        }
        for worker, nodes, kinds, ports, links, tunnels, memory in rows
    ]


def sample(plan: Plan, count: int = 3) -> dict[str, Any]:
    """Return what will be created, by name: the first `count` nodes of each tier, and some blocked links.

    `left_out` is the number of further nodes by tier, `blocked_left_out` that of blocked links.

    Each node shows at most 8 ports and addresses; a compute host shows the number of its light ports.
    """
    topology = plan.topology
    nodes = np.sort(
        np.concatenate([np.flatnonzero(topology.tiers == tier)[:count] for tier in _tiers(topology)])
    )
    blocked = np.flatnonzero(plan.blocked)[:_MOST]
    left_out = {
        topology.tier_names[tier]: number - count
        for tier in _tiers(topology)
        if (number := int(np.count_nonzero(topology.tiers == tier))) > count
    }
    return {
        "nodes": [_node(plan, node) for node in nodes.tolist()],
        "left_out": left_out,
        "blocked": [
            [_end(topology, link, 0)["name"], _end(topology, link, 1)["name"]] for link in blocked.tolist()
        ],
        "blocked_left_out": int(np.count_nonzero(plan.blocked)) - len(blocked),
    }


def _tiers(topology: Topology) -> list[int]:
    tiers: list[int] = np.unique(topology.tiers).tolist()
    return tiers


def _node(plan: Plan, node: int) -> dict[str, Any]:
    topology, forwarding = plan.topology, plan.forwarding
    out: dict[str, Any] = {
        "name": topology.names[node],
        "kind": kind_word(topology, node),
        "fidelity": topology.node_profile_of(node).fidelity,
        "worker": plan.workers[int(plan.placement[node])].name,
    }
    if plan.overlay is not None and node >= topology.full.node_count:
        return out | light_port(plan.overlay, node)
    if forwarding.has_bridge(node):
        out["bridge"] = {
            "name": bridge_name(topology, node),
            "mac": mac(topology, node, BRIDGE_PORT).hex(":"),
        }
    ports = []
    incident = [one for one in topology.incident(node) if one.link < topology.full.link_count]
    for link, end, _ in incident[:_MOST]:
        role = Role(int(forwarding.roles[link, end]))
        if role == Role.BLOCKED and not plan.blocked[link]:
            role = Role.BRIDGED  # its switches use it, by computed flows or their controller's
        peer = _end(topology, link, 1 - end)["name"]
        tunnel = bool(plan.cut[link])
        ports.append({**_end(topology, link, end), "role": role.name.lower(), "peer": peer, "tunnel": tunnel})
    out["ports"] = ports
    out["ports_left_out"] = len(incident) - len(ports)
    carried = int(topology.degrees[node]) - len(incident)
    if carried:
        out["light_ports"] = carried
    out["addresses"] = [
        {"port": _port_name(topology, node, address.port), "address": f"{address.text}/{address.length}"}
        for address in forwarding.addresses(node)[:_MOST]
    ]
    out["addresses_left_out"] = max(0, len(forwarding.addresses(node)) - _MOST)
    out["routes"] = len(forwarding.routes(node))
    return out


def _end(topology: Topology, link: int, end: int) -> dict[str, str]:
    node, port = int(topology.ends[link, end]), int(topology.ports[link, end])
    return {"name": interface_name(topology, node, port), "mac": mac(topology, node, port).hex(":")}


def _port_name(topology: Topology, node: int, port: int) -> str:
    if port == LOOPBACK_PORT:
        return "lo"
    return bridge_name(topology, node) if port == BRIDGE_PORT else interface_name(topology, node, port)
