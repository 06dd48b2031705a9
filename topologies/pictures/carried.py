"""Light ports in pictures: compute hosts show how many they carry, instead of a node for each."""

from __future__ import annotations

import numpy as np

from topologies.counting import counted
from topologies.topology import I64, Topology


def carried(topology: Topology) -> I64:
    """Return the number of light ports of each node that isn't light: int64[n]."""
    return np.bincount(topology.light_hosts, minlength=topology.full.node_count)


def carried_note(topology: Topology) -> str:
    """Return "folded: 64 light ports on 4 compute hosts"; "" without any."""
    hosts = int(np.count_nonzero(carried(topology)))
    ports = topology.node_count - topology.full.node_count
    return f"folded: {counted(ports, 'light port')} on {counted(hosts, 'compute host')}" if ports else ""
