"""VLAN sub-interfaces that nodes can't have."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_interface, ip_network

from topologies.counting import some_names
from topologies.identifiers import interface_name
from topologies.nodes_having import nodes_having
from topologies.services import Vlan
from topologies.topology import Kind, Topology

_MOST_PORT = 8191


def vlan_problems(topology: Topology) -> Iterator[tuple[int, str]]:
    """Yield the node and the reason for each sub-interface that can't be."""
    for node in nodes_having(topology, lambda profile: bool(profile.setup.vlans)):
        name, profile = topology.names[node], topology.node_profile_of(node)
        if profile.fidelity == "light" or topology.kinds[node] == Kind.SWITCH:
            what = (
                "light" if profile.fidelity == "light" else "a switch, and carries tagged frames as they are"
            )
            yield node, f"`{name}` is {what}; `vlans` is for full hosts and routers"
            continue
        ports = {end.port: interface_name(topology, node, end.port) for end in topology.incident(node)}
        seen: dict[tuple[int, int], str] = {}
        for vlan in profile.setup.vlans:
            for words in _wrong(topology, vlan, ports):
                yield node, f"{vlan.name} of `{name}` {words}"
            if vlan.name in {"lo", name}:
                yield node, f"`{name}` has an interface {vlan.name} already; use another name"
            other = seen.setdefault((vlan.port, vlan.id), vlan.name)
            if other != vlan.name:
                yield (
                    node,
                    f"{other} and {vlan.name} of `{name}` are VLAN {vlan.id} of one port; leave one out",
                )


def _wrong(topology: Topology, vlan: Vlan, ports: dict[int, str]) -> Iterator[str]:
    if vlan.port not in ports:
        have = some_names([f"eth{port}" for port in sorted(ports)])
        yield f"is on eth{vlan.port}, which it hasn't; it has {have or 'no links'}"
    elif vlan.port > _MOST_PORT:
        yield f"is on eth{vlan.port}; ports with VLANs go to eth{_MOST_PORT}"
    if vlan.name in ports.values():
        yield "has the name of another interface; use another"
    pools = [ip_network(pool) for pool in (topology.pools.ipv4, topology.pools.ipv6) if pool is not None]
    for text in vlan.addresses:
        network = ip_interface(text).network
        for pool in pools:
            if pool.version == network.version and pool.overlaps(network):
                yield f"has {text}, but {pool} is without VLAN; use another network"
