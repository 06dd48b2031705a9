"""LRU cache of per-node handles (descriptors, sockets), within any limit on open files."""

from __future__ import annotations

import os
import resource
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink.connection import Netlink
from topologies.topology import Topology

T = TypeVar("T")


class HandleCache(Generic[T]):
    """Cache of up to `most` handles, one per node, created on demand. A context manager that closes them."""

    def __init__(self, make: Callable[[int], T], close: Callable[[T], None], most: int) -> None:
        self._make = make
        self._close = close
        self._most = most
        self._open: OrderedDict[int, T] = OrderedDict()

    def __call__(self, node: int) -> T:
        """Return the handle of `node`. It stays valid until `most` others were requested."""
        found = self._open.get(node)
        if found is not None:
            self._open.move_to_end(node)
            return found
        if self.full:
            self._close(self._open.popitem(last=False)[1])
        self._open[node] = made = self._make(node)
        return made

    @property
    def full(self) -> bool:
        """True if the next handle evicts another."""
        return len(self._open) >= self._most

    def forget(self, node: int) -> None:
        """Close the handle of `node`, if any, before its namespace is removed."""
        found = self._open.pop(node, None)
        if found is not None:
            self._close(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for kept in self._open.values():
            self._close(kept)
        self._open.clear()


def open_namespaces(store: NamespaceStore, topology: Topology) -> HandleCache[int]:
    """Return descriptors of namespaces, one per link of a node; raise the open-file limit if needed."""
    names = topology.names
    most = max(256, int(topology.degrees.max(initial=0)))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + 128
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))
    return HandleCache(lambda node: store.open(names[node]), os.close, most)


def open_sockets(store: NamespaceStore, topology: Topology, most: int) -> HandleCache[Netlink]:
    """Return netlink sockets in nodes' namespaces. Opening one leaves this thread in its namespace."""
    names = topology.names

    def made(node: int) -> Netlink:
        store.go(names[node])
        return Netlink()

    return HandleCache(made, Netlink.close, most)
