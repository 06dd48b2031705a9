"""Facts of one node for `status NAME NODE`: what the plan says of it. Pure."""

from __future__ import annotations

from typing import Any

from emulator.plan import Plan
from topologies.identifiers import has_interface, interface_name, mac
from topologies.outside_nodes import kind_word

_MOST = 64
"""Most links and addresses that are listed; a compute host may have thousands of ports."""


def node_facts(plan: Plan, node: int) -> dict[str, Any]:
    """Return kind, tier, fidelity, worker, addresses and links of a node as JSON data.

    A compute host has no interface for the link of a light port.
    """
    topology, names = plan.topology, plan.topology.names

    def interface(link: int, end: int, port: int) -> dict[str, str | None]:
        if not has_interface(topology, link, end):
            return {"interface": None, "mac": None}
        return {"interface": interface_name(topology, node, port), "mac": mac(topology, node, port).hex(":")}

    links, addresses = topology.incident(node), plan.forwarding.addresses(node)
    return {
        "name": names[node],
        "kind": kind_word(topology, node),
        "tier": topology.tier_names[topology.tiers[node]],
        "fidelity": topology.node_profile_of(node).fidelity,
        "worker": plan.workers[int(plan.placement[node])].name,
        "namespace": plan.namespaces.file(node),
        "addresses": [f"{address.text}/{address.length}" for address in addresses[:_MOST]],
        "links": [
            {
                "port": port,
                **interface(link, end, port),
                "addresses": [f"{a.text}/{a.length}" for a in addresses if a.port == port][:_MOST],
                "peer": names[int(topology.ends[link, 1 - end])],
                "up": bool(plan.up is None or plan.up[link]),
            }
            for link, end, port in links[:_MOST]
        ],
        "link_count": len(links),
    }
