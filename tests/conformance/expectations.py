"""What every engine must show of each file: written down once, read by people, never made by the test.

`python tests/conformance/expectations.py` writes expected.json anew, from the graph alone and with the
link to cut that stands here; whoever does so reads the difference before committing it.
"""

from __future__ import annotations

import json
from typing import Any

import networkx as nx
import numpy as np

from emulator.forwarding.base import BRIDGE_PORT
from emulator.forwarding.select import forwarding_for
from topologies.build import open_topology
from topologies.identifiers import bridge_name, interface_name, mac
from topologies.topology import Kind, Topology

CUTS = {
    "addresses-given": ("b", "s1"), "bcube": ("h1", "s1"), "chain-of-nine": ("s4", "s5"),
    "compose": ("east.s1", "west.s1"), "core-aggregation-edge": ("c1", "a1"), "dumbbell": ("s1", "s2"),
    "fat-tree": ("e1", "a1"), "from-graphml": ("Lyon", "Torino"), "from-mininet-file": ("s1", "s2"),
    "hypercube": ("s1", "s2"), "ipv6": ("s2", "s3"), "islands": ("h1", "s1"), "jellyfish": ("s1", "s2"),
    "leaf-spine": ("spine1", "leaf1"), "long-names": ("access-switch-north", "access-switch-south"),
    "lonely-host": ("h1", "s1"), "mesh": ("s1", "s2"), "pair": ("h1", "h2"), "parallel-links": ("s1", "s2"),
    "ring": ("s1", "s2"), "routed-leaf-spine": ("spine1", "leaf1"), "routed-two-lans": ("s2", "r1"),
    "shaped": ("s1", "s2"), "single": ("h1", "s1"), "small-mtu": ("s1", "s2"), "static-arp": ("s1", "s2"),
    "torus": ("s1", "s2"), "tree": ("s1", "s2"),
}  # fmt: skip
"""File -> the link that the test cuts: one where that splits the network, or one with a way round it."""


def hosts_of(topology: Topology) -> dict[str, dict[str, dict[str, Any]]]:
    """Return host -> interface -> its addresses, MAC and MTU."""
    forwarding = forwarding_for(topology)
    out: dict[str, dict[str, dict[str, Any]]] = {}
    for node in topology.hosts.tolist():
        ports: dict[str, dict[str, Any]] = {}
        by_port: dict[int, list[str]] = {}
        for address in forwarding.addresses(node):
            by_port.setdefault(address.port, []).append(f"{address.text}/{address.length}")
        for link, _, port in topology.incident(node):
            ports[interface_name(topology, node, port)] = {
                "addresses": by_port.get(port, []),
                "mac": mac(topology, node, port).hex(":"),
                "mtu": topology.link_profile_of(link).mtu or 1500,
            }
        if BRIDGE_PORT in by_port:
            own = mac(topology, node, BRIDGE_PORT).hex(":")
            ports[bridge_name(topology, node)] = {"addresses": by_port[BRIDGE_PORT], "mac": own, "mtu": 1500}
        out[topology.names[node]] = ports
    return out


def pairs_reachable(topology: Topology, without: int | None = None) -> int:
    """Return how many ordered pairs of hosts can talk, by networkx: not by the code that is tested.

    It holds for graphs where each host is linked by its first port and routers route everywhere.
    """
    graph = nx.Graph()
    graph.add_nodes_from(range(topology.node_count))
    graph.add_edges_from(tuple(ends) for link, ends in enumerate(topology.ends.tolist()) if link != without)
    hosts = set(topology.hosts[topology.degrees[topology.hosts] > 0].tolist())
    counts = [len(hosts & part) for part in nx.connected_components(graph)]
    return sum(count * (count - 1) for count in counts)


def link_between(topology: Topology, a: str, b: str) -> int:
    """Return the first link between two nodes."""
    wanted = sorted((topology.names.index(a), topology.names.index(b)))
    return int(np.flatnonzero((np.sort(topology.ends, axis=1) == wanted).all(axis=1))[0])


def expected_of(name: str, topology: Topology) -> dict[str, Any]:
    """Return what engines must show of `topology`."""
    a, b = CUTS[name]
    switches = [n for n in range(topology.node_count) if topology.kinds[n] != Kind.HOST]
    return {
        "reachable": pairs_reachable(topology),
        "cut": [a, b],
        "reachable_when_cut": pairs_reachable(topology, link_between(topology, a, b)),
        "hosts": hosts_of(topology),
        "ports": {
            topology.names[node]: [
                interface_name(topology, node, end.port) for end in topology.incident(node)
            ]
            for node in switches
        },
    }


if __name__ == "__main__":
    from variants import EXPECTED, FILES

    found = {file.stem: expected_of(file.stem, open_topology(file)) for file in FILES}
    EXPECTED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
