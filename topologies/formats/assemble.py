"""Assemble a `Topology` from an imported `Graph` and the options of the topology file."""

from __future__ import annotations

import numpy as np

from topologies.formats.attributes import node_of, ports_of
from topologies.formats.geography import coordinates, fill_places
from topologies.formats.graph import FormatError, Graph
from topologies.formats.import_hosts import with_hosts
from topologies.formats.import_links import link_profiles, paired_edges, port_numbers
from topologies.formats.import_options import MAX_PROFILES, Numbering, Options
from topologies.formats.naming import unique_names
from topologies.names import NameList, Names
from topologies.profiles import NodeProfile
from topologies.topology import Topology

MAX_TIERS = 2**8
"""Distinct tiers; their numbers are uint8."""


def assemble(graph: Graph, options: Options) -> Topology:
    """Return the topology of `graph`; FormatError for invalid values."""
    meanings = {key: node_of(attributes, graph.lines.get(key, 0)) for key, attributes in graph.nodes.items()}
    if options.drop_external:
        meanings = {key: meaning for key, meaning in meanings.items() if meaning.internal}
        if not meanings:
            raise FormatError("has external nodes only; write `external: keep`")
    index = {key: at for at, key in enumerate(meanings)}
    edges = paired_edges(graph, index, options)
    names = unique_names((str(graph.nodes[key].get("label") or key), key) for key in meanings)
    ends = np.array([(index[e.source], index[e.target]) for e, _ in edges], dtype=np.int32).reshape(-1, 2)
    places = coordinates([graph.nodes[key] for key in meanings])
    profiles, link_profile = link_profiles(edges, ends, places, options)
    nodes = list(meanings.values())
    kinds = np.array([node.kind for node in nodes], dtype=np.uint8)
    stated = np.array([ports_of(e.attributes, e.line) for e, _ in edges], dtype=np.int32).reshape(-1, 2)
    tiers = Numbering("tiers", MAX_TIERS)
    node_profiles = Numbering("node profiles", MAX_PROFILES, {NodeProfile(): 0})
    topology = Topology(
        name="",
        names=Names((NameList(tuple(names)),)),
        kinds=kinds,
        tiers=np.array([tiers.number(node.tier) for node in nodes], dtype=np.uint8),
        tier_names=tuple(tiers.rows),
        groups=np.array([node.group for node in nodes], dtype=np.int32),
        ends=ends,
        ports=port_numbers(stated, ends, kinds, names),
        link_profile=link_profile,
        link_profiles=profiles,
        node_profile=np.array([node_profiles.number(node.profile) for node in nodes], dtype=np.uint16),
        node_profiles=tuple(node_profiles.rows),
        explicit={at: node.explicit for at, node in enumerate(nodes) if node.explicit},
        positions=None if places is None else fill_places(places, ends),
    )
    return with_hosts(topology, nodes, options.hosts_per_node) if options.hosts_per_node else topology
