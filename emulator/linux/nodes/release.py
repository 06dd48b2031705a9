"""Release nodes of a running network: kill their processes, and give their namespaces back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress

from emulator.errors import KernelError
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.teardown import kill_each
from emulator.linux.outside.lent import give_back_of
from emulator.linux.processes.node_mark import node_of
from emulator.linux.processes.running import net_namespace
from emulator.node_namespaces import NodeNamespaces


def release_nodes(store: NamespaceStore, namespaces: NodeNamespaces, nodes: Iterable[int]) -> None:
    """Release `nodes` of a plan, as `release_named` does."""
    release_named(store, {namespaces.names[node]: namespaces.file(node) for node in nodes})


def release_named(store: NamespaceStore, gone: Mapping[str, str]) -> None:
    """Kill the processes of nodes, and release the nodes' own namespaces.

    `gone` are the files of their namespaces by name. A shared namespace stays, with the processes of other
    nodes in it. Call inside the store's mount namespace. Raises BrokenError when a process doesn't end.
    """
    inodes = {file: inode for file in set(gone.values()) if (inode := _inode(store, file)) is not None}
    own = frozenset(inodes[file] for name, file in gone.items() if name == file and file in inodes)
    shared: dict[int, set[str]] = {}
    for name, file in gone.items():
        if name != file and file in inodes:
            shared.setdefault(inodes[file], set()).add(name)
    if inodes:
        kill_each(_OfNodes(own, shared))
    give_back_of(store, gone)
    for name, file in gone.items():
        if name == file:
            store.remove(file)


def _inode(store: NamespaceStore, file: str) -> int | None:
    with suppress(FileNotFoundError, KernelError):
        descriptor = store.open(file)
        try:
            return os.fstat(descriptor).st_ino
        finally:
            os.close(descriptor)
    return None


class _OfNodes:
    """Tests whether a process is in a namespace of `own`, or of a node of `shared`: {inode: names}."""

    def __init__(self, own: frozenset[int], shared: Mapping[int, set[str]]) -> None:
        self._own = own
        self._shared = shared

    def __call__(self, pid: int) -> bool:
        inode = net_namespace(pid)
        return inode in self._own or (inode in self._shared and node_of(pid) in self._shared[inode])
