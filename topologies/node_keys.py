"""Keys of nodes that not every node, and not every engine, can have."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from topologies.engines import DEFAULT_ENGINE, ENGINES, NODE_KEYS
from topologies.errors import MAX_FOUND, ParameterError, ParametersError
from topologies.node_places import NodePlaces
from topologies.topology import Kind, Topology


def check_node_keys(topology: Topology, places: NodePlaces) -> None:
    """Raise ParametersError for settings of a namespace that the node shares with others."""
    ParametersError.raise_any(list(islice(_shared(topology, places), MAX_FOUND)))


def _shared(topology: Topology, places: NodePlaces) -> Iterator[ParameterError]:
    for node in _with_key(topology, "sysctl"):
        profile, name = topology.node_profile_of(node), topology.names[node]
        if profile.fidelity == "light":
            words = f"`{name}` is light: its compute host has the kernel's settings; set them there"
        elif profile.switch == "ovs" and topology.kinds[node] == Kind.SWITCH:
            words = f"`{name}` is a switch of Open vSwitch, and these share a namespace; leave `sysctl` out"
        else:
            continue
        yield ParameterError(places.of(topology, node, "sysctl"), words)


def refuse_keys(topology: Topology, places: NodePlaces, engine: str) -> None:
    """Raise ParametersError for keys of nodes that `engine` can't carry out: one for each key."""
    lacking = NODE_KEYS - ENGINES[engine].node_keys
    keys = dict.fromkeys(key for profile in topology.node_profiles for key in profile.setup.keys)
    errors = []
    for key in keys:
        nodes = _with_key(topology, key) if key in lacking else []
        if nodes:
            fix = f"use `engine: {DEFAULT_ENGINE}`, or leave it out"
            words = f"the engine {engine} can't carry out `{key}`; {fix}"
            errors.append(ParameterError(places.of(topology, nodes[0], key), words))
    ParametersError.raise_any(errors)


def _with_key(topology: Topology, key: str) -> list[int]:
    """Return the nodes that have a key of `Setup`."""
    having = np.array([key in profile.setup.keys for profile in topology.node_profiles], dtype=bool)
    nodes: list[int] = np.flatnonzero(having[topology.node_profile]).tolist() if having.any() else []
    return nodes
