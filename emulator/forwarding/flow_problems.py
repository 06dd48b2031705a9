"""Reasons why a file's flows can't be computed, found before anything is created. Pure."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import Role
from emulator.forwarding.flows import switches_with
from emulator.forwarding.protocol import Forwarding
from topologies.graph_arrays import components
from topologies.topology import Topology

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
_SHOWN = 3
"""Maximum number of nodes named in a message."""


def problems(topology: Topology, forwarding: Forwarding) -> list[str]:
    """Return the reasons; an empty list means all flows can be computed, whichever links fail later."""
    ours = switches_with(topology, "tree") | switches_with(topology, "ecmp")
    routing = [node for node in np.flatnonzero(ours).tolist() if forwarding.is_router(node)]
    if routing:
        named = _named(topology, routing)
        return [f"{named} would route, and computed flows are for switches: leave `flows` out"]
    found = _two_ways(topology, forwarding)
    if not found:
        return []
    named = _named(topology, found)
    why = "two ways lead from here to switches with `flows: ecmp`, and frames would be delivered twice"
    return [f"{named}: {why}; give these `flows: ecmp` as well (`switch: ovs`), or all `flows: tree`"]


def _two_ways(topology: Topology, forwarding: Forwarding) -> list[int]:
    """Return bridging nodes without ECMP that close a loop through ECMP switches.

    Consider this graph: connected ECMP switches are one vertex, other connected bridging nodes are one
    vertex. Its edges are the links between the two kinds; parallel ones count once. The graph must be a
    forest. It then remains one whichever links fail: removing links splits vertices and closes no loop.
    """
    ecmp = switches_with(topology, "ecmp")
    if not ecmp.any():
        return []
    ends = topology.ends.astype(np.int64)
    inner = ends[(forwarding.roles != Role.ADDRESSED).all(axis=1)]
    across = ecmp[inner[:, 0]] != ecmp[inner[:, 1]]
    joined = inner[~across]
    label = components(joined[:, 0], joined[:, 1], topology.node_count)
    pairs = np.unique(np.sort(inner[across], axis=1), axis=0)
    kept = _core(label[pairs], topology.node_count)
    guilty = pairs[kept].ravel()
    return sorted(set(guilty[~ecmp[guilty]].tolist()))


def _core(edges: Ints, count: int) -> Bools:
    """Return which edges are on loops or between loops: removes leaves until none remains."""
    kept = np.ones(len(edges), dtype=bool)
    while True:
        degree = np.bincount(edges[kept].ravel(), minlength=count)
        leaves = kept & (degree[edges] < 2).any(axis=1)
        if not leaves.any():
            return kept
        kept &= ~leaves


def _named(topology: Topology, nodes: list[int]) -> str:
    words = ", ".join(topology.names[node] for node in nodes[:_SHOWN])
    return words if len(nodes) <= _SHOWN else f"{words} and {len(nodes) - _SHOWN} more"
