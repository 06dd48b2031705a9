"""Existence of nodes: by their namespaces, and in a shared namespace by their devices."""

from __future__ import annotations

import socket
from collections.abc import Container

import numpy as np

from emulator.linux.namespaces.store import NamespaceStore
from emulator.node_namespaces import NodeNamespaces
from topologies.identifiers import bridge_name, interface_name
from topologies.topology import Topology


def count_existing(store: NamespaceStore, topology: Topology, namespaces: NodeNamespaces) -> int:
    """Return how many nodes exist. Call inside `store.entered()`; it costs one dump per shared namespace."""
    files = frozenset(store.files())
    count = len(files.intersection(topology.names))
    devices: dict[str, frozenset[str]] = {}
    for node in np.flatnonzero(namespaces.shared).tolist():
        file = namespaces.file(node)
        if file in files and file not in devices:
            store.go(file)
            devices[file] = frozenset(name for _, name in socket.if_nameindex())
        count += has_device(topology, node, devices.get(file, frozenset()))
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
