"""Existence of nodes: by their namespaces, and in a shared namespace by their devices."""

from __future__ import annotations

import socket
from collections.abc import Container

import numpy as np

from emulator.linux.namespaces.store import NamespaceStore
from emulator.plan_part import PlanPart
from topologies.identifiers import bridge_name, interface_name
from topologies.topology import Topology


def count_existing(store: NamespaceStore, part: PlanPart) -> int:
    """Return how many nodes of `part` exist: one dump per shared namespace. Call inside `store.entered()`."""
    files = frozenset(store.files())
    count = len(files.intersection(part.names))
    devices: dict[str, frozenset[str]] = {}
    for node in part.nodes[np.array(part.shared, dtype=bool)].tolist():
        file = part.namespaces.file(node)
        if file in files and file not in devices:
            store.go(file)
            devices[file] = frozenset(name for _, name in socket.if_nameindex())
        count += has_device(part.topology, node, devices.get(file, frozenset()))
    return count


def has_device(topology: Topology, node: int, devices: Container[str]) -> bool:
    """Return whether one of `devices`, the names of a shared namespace, belongs to `node`.

    Its bridge alone isn't the sign: a bridge that somebody deletes leaves its ports, and is repaired.
    """
    if not topology.degrees[node] and topology.node_profile_of(node).switch == "user":
        return True  # it has no device at all
    return bridge_name(topology, node) in devices or any(
        interface_name(topology, node, end.port) in devices for end in topology.incident(node)
    )
