"""A topology's nodes and links one after the other, as the writers need them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from topologies.formats.attributes import link_attributes, node_attributes
from topologies.topology import Topology

PIECE = 4096
"""Lines that are joined into one piece."""


def nodes(topology: Topology) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (name, attributes) of each node, in index order."""
    for node, name in enumerate(topology.names):
        yield name, node_attributes(topology, node)


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
    """Yield `lines` joined by the thousand: fewer pieces to write."""
    lines = iter(lines)
    while piece := "".join(islice(lines, PIECE)):
        yield piece
