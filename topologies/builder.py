"""Builder of a `Topology` for generators: add nodes, add links, build."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from topologies.names import Block, NameBlock, NameList, Names
from topologies.profiles import LinkProfile, NodeProfile
from topologies.topology import F64, I32, Kind, Topology

Indices = npt.ArrayLike
T = TypeVar("T", bound=np.generic)


def number_ports(ends: I32, kinds: npt.NDArray[np.uint8]) -> I32:
    """Return the port numbers (int32[m, 2]) of links added in this order.

    Ports are numbered by appearance: hosts from 0, switches and routers from 1, as Mininet does.
    """
    flat = ends.ravel()
    order = np.argsort(flat, kind="stable")
    counts = np.bincount(flat, minlength=len(kinds))
    first = np.cumsum(counts) - counts
    ports = np.empty(len(flat), dtype=np.int32)
    ports[order] = (np.arange(len(flat)) - np.repeat(first, counts)).astype(np.int32)
    ports += (kinds[flat] != Kind.HOST).astype(np.int32)
    return ports.reshape(-1, 2)


@dataclass
class Builder:
    """Collector of blocks of nodes and links; `build` makes the arrays once.

    Nodes of one block share kind, tier and profile. `add_nodes` returns the indices it assigned.
    """

    blocks: list[Block] = field(default_factory=list)
    _kinds: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    _tiers: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    _groups: list[I32] = field(default_factory=list)
    _node_profile: list[npt.NDArray[np.uint16]] = field(default_factory=list)
    _ends: list[I32] = field(default_factory=list)
    _link_profile: list[npt.NDArray[np.uint16]] = field(default_factory=list)
    _tier_names: dict[str, int] = field(default_factory=dict)
    _node_profiles: dict[NodeProfile, int] = field(default_factory=lambda: {NodeProfile(): 0})
    _link_profiles: dict[LinkProfile, int] = field(default_factory=lambda: {LinkProfile(): 0})
    count: int = 0

    def add_nodes(
        self, kind: Kind, name: Block | str, count: int | None = None, *, tier: str = "",
        group: npt.ArrayLike = -1, profile: NodeProfile | None = None,
    ) -> npt.NDArray[np.int64]:  # fmt: skip
        """Add a run of nodes and return their indices (int64[count]).

        `name` is a block of names, or a prefix to number from 1 with `count`. `tier` is "host",
        "switch" or "router" when not given. `group` is one leaf group or one per node.
        """
        block = NameBlock((name,), (count or 0,)) if isinstance(name, str) else name
        size = block.count
        at = self._tier_names.setdefault(tier or kind.word, len(self._tier_names))
        number = self._node_profiles.setdefault(profile or NodeProfile(), len(self._node_profiles))
        self.blocks.append(block)
        self._kinds.append(np.full(size, kind, dtype=np.uint8))
        self._tiers.append(np.full(size, at, dtype=np.uint8))
        self._groups.append(np.broadcast_to(np.asarray(group, dtype=np.int32), (size,)))
        self._node_profile.append(np.full(size, number, dtype=np.uint16))
        first, self.count = self.count, self.count + size
        return np.arange(first, self.count)

    def add_node(self, kind: Kind, name: str, *, tier: str = "", profile: NodeProfile | None = None) -> int:
        """Add one node by name and return its index."""
        return int(self.add_nodes(kind, NameList((name,)), tier=tier, profile=profile)[0])

    def add_links(self, first: Indices, second: Indices, profile: LinkProfile | None = None) -> None:
        """Add links first[i] — second[i]; either may be one node for all (they are broadcast)."""
        a, b = np.broadcast_arrays(np.asarray(first, dtype=np.int32), np.asarray(second, dtype=np.int32))
        ends = np.stack([a.ravel(), b.ravel()], axis=1)
        number = self._link_profiles.setdefault(profile or LinkProfile(), len(self._link_profiles))
        self._ends.append(ends)
        self._link_profile.append(np.full(len(ends), number, dtype=np.uint16))

    def build(self, name: str = "", positions: F64 | None = None) -> Topology:
        """Return the topology of what was added."""
        kinds = _joined(self._kinds, np.uint8)
        ends = _joined(self._ends, np.int32).reshape(-1, 2)
        return Topology(
            name=name,
            names=Names(tuple(self.blocks)),
            kinds=kinds,
            tiers=_joined(self._tiers, np.uint8),
            tier_names=tuple(self._tier_names),
            groups=_joined(self._groups, np.int32),
            ends=ends,
            ports=number_ports(ends, kinds),
            link_profile=_joined(self._link_profile, np.uint16),
            link_profiles=tuple(self._link_profiles),
            node_profile=_joined(self._node_profile, np.uint16),
            node_profiles=tuple(self._node_profiles),
            positions=positions,
        )


def _joined(parts: Sequence[npt.NDArray[T]], dtype: type[T]) -> npt.NDArray[T]:
    return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)
