"""Hosts that `hosts_per_node` adds to the switches and routers of an imported topology."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from topologies.counting import counted
from topologies.formats.attributes import NodeMeaning
from topologies.formats.graph import FormatError
from topologies.formats.naming import host_prefix
from topologies.names import Block, NameBlock, Names
from topologies.topology import Kind, Topology

MAX_HOSTS = 2**24 - 2
"""MAC addresses hold a node's index in 24 bits."""


def with_hosts(topology: Topology, nodes: list[NodeMeaning], count: int) -> Topology:
    """Return `topology` with `count` hosts on each switch and router; none on hyperedges.

    FormatError when that makes too many nodes.
    """
    bearers = np.array(
        [at for at, node in enumerate(nodes) if node.kind != Kind.HOST and not node.shared], dtype=np.int32
    )
    total = len(bearers) * count
    first = topology.node_count
    if first + total > MAX_HOSTS:
        raise FormatError(
            f"would get {counted(total, 'host')}; the most nodes is {MAX_HOSTS:,}, lower `hosts_per_node`"
        )
    blocks: tuple[Block, ...] = (*topology.names.blocks, NameBlock((host_prefix(topology.names),), (total,)))
    near = np.repeat(bearers, count)
    ends = np.stack([np.arange(first, first + total, dtype=np.int32), near], axis=1)
    highest = np.zeros(first, dtype=np.int32)
    np.maximum.at(highest, topology.ends.ravel(), topology.ports.ravel())
    ports = np.stack(
        [np.zeros(total, dtype=np.int32), highest[near] + np.tile(np.arange(1, count + 1), len(bearers))],
        axis=1,
    )
    tier_names = topology.tier_names if "host" in topology.tier_names else (*topology.tier_names, "host")
    places = topology.positions
    return replace(
        topology,
        names=Names(blocks),
        kinds=_longer(topology.kinds, total, Kind.HOST),
        tiers=_longer(topology.tiers, total, tier_names.index("host")),
        tier_names=tier_names,
        groups=np.concatenate([topology.groups, topology.groups[near]]),
        ends=np.concatenate([topology.ends, ends]),
        ports=np.concatenate([topology.ports, ports.astype(np.int32)]),
        link_profile=_longer(topology.link_profile, total, 0),
        node_profile=_longer(topology.node_profile, total, 0),
        positions=None if places is None else np.concatenate([places, places[near]]),
    )


def _longer(array: np.ndarray[Any, np.dtype[Any]], count: int, value: int) -> np.ndarray[Any, np.dtype[Any]]:
    return np.concatenate([array, np.full(count, value, dtype=array.dtype)])
