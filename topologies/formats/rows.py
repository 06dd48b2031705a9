"""Rows of a topology's nodes and links for the writers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from topologies.formats.attributes import link_attributes, node_attributes
from topologies.topology import Topology

PIECE = 4096
"""Number of lines that are joined into one piece."""
_KEPT = 64


def nodes(topology: Topology) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, attributes) of each node, in index order."""
    columns = (topology.kinds, topology.tiers, topology.node_profile, topology.groups)
    first = topology.underlay.node_count  # hosts of VPCs have addresses
    same: dict[tuple[int, ...], dict[str, Any]] = {}
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for node, (name, row) in enumerate(zip(topology.names, rows, strict=True)):
        if topology.positions is not None or node in topology.explicit or node >= first:
            yield name, node_attributes(topology, node)
            continue
        if row not in same:  # the hosts of a rack differ only in their names
            same = {key: same[key] for key in list(same)[-_KEPT:]}
            same[row] = node_attributes(topology, node)
        yield name, same[row]


def links(topology: Topology) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield (first node, second node, its port, the other's port, profile number) of each link."""
    for start in range(0, topology.link_count, PIECE):
        part = slice(start, start + PIECE)
        ends, ports = topology.ends[part].tolist(), topology.ports[part].tolist()
        for (a, b), (p, q), number in zip(ends, ports, topology.link_profile[part].tolist(), strict=True):
            yield a, b, p, q, number


def profiles(topology: Topology) -> list[dict[str, Any]]:
    """Return the attributes of each link profile."""
    return [link_attributes(profile) for profile in topology.link_profiles]


def joined(lines: Iterable[str]) -> Iterator[str]:
    """Yield `lines` joined by the thousand: fewer writes."""
    lines = iter(lines)
    while piece := "".join(islice(lines, PIECE)):
        yield piece
