"""LRU cache of handles of namespaces (descriptors, sockets), within any limit on open files."""

from __future__ import annotations

import os
import resource
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Generic, Self, TypeVar

from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink.connection import Netlink
from emulator.node_namespaces import NodeNamespaces
from emulator.plan_part import PlanPart

T = TypeVar("T")


class HandleCache(Generic[T]):
    """Cache of up to `most` handles, created on demand by node. A context manager that closes them.

    Nodes with the same `key_of(node)` have one handle together.
    """

    def __init__(
        self, make: Callable[[int], T], close: Callable[[T], None], most: int,
        key_of: Callable[[int], int] = int,
    ) -> None:  # fmt: skip
        self._make = make
        self._close = close
        self._most = most
        self._key_of = key_of
        self._open: OrderedDict[int, T] = OrderedDict()

    def __call__(self, node: int) -> T:
        """Return the handle of `node`. It stays valid until `most` others were requested."""
        key = self._key_of(node)
        found = self._open.get(key)
        if found is not None:
            self._open.move_to_end(key)
            return found
        if self.full:
            self._close(self._open.popitem(last=False)[1])
        self._open[key] = made = self._make(node)
        return made

    @property
    def full(self) -> bool:
        """True if the next handle evicts another."""
        return len(self._open) >= self._most

    def forget(self, node: int) -> None:
        """Close the handle of the namespace of `node`, if any, before it is removed."""
        found = self._open.pop(self._key_of(node), None)
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


def open_namespaces(store: NamespaceStore, part: PlanPart) -> HandleCache[int]:
    """Return descriptors of namespaces, one per link of a node; raise the open-file limit if needed."""
    namespaces = part.namespaces
    most = max(256, int(part.topology.degrees.max(initial=0)))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + 128
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))
    return HandleCache(lambda node: store.open(namespaces.file(node)), os.close, most, _owner_of(namespaces))


def open_sockets(store: NamespaceStore, part: PlanPart, most: int) -> HandleCache[Netlink]:
    """Return netlink sockets in nodes' namespaces. Opening one leaves this thread in its namespace."""
    namespaces = part.namespaces

    def made(node: int) -> Netlink:
        store.go(namespaces.file(node))
        return Netlink()

    return HandleCache(made, Netlink.close, most, _owner_of(namespaces))


def _owner_of(namespaces: NodeNamespaces) -> Callable[[int], int]:
    """Return the function from a node to the owner of its namespace, as a key."""
    return namespaces.owner.item
