"""Nodes by what their profile has: each profile is asked once, however many nodes share it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from topologies.profiles import NodeProfile
from topologies.topology import I64, Topology


def nodes_having(
    topology: Topology, wants: Callable[[NodeProfile], bool], nodes: I64 | None = None
) -> list[int]:
    """Return those of `nodes` (int64[k]; None: all) whose profile `wants` accepts, in their order."""
    having = np.array([wants(profile) for profile in topology.node_profiles], dtype=bool)
    if not having.any():
        return []
    if nodes is None:
        return list(map(int, np.flatnonzero(having[topology.node_profile])))
    return list(map(int, nodes[having[topology.node_profile[nodes]]]))
