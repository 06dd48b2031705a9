"""The graph: read-only numpy arrays, independent of engines and of Linux.

n nodes, m links. A node is its index, and so is a link. Names, addresses, MACs and interface names
are computed from indices on demand: see `names`, `addressing` and `identifiers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from topologies.elements import Explicit, Incident, Kind, Pools
from topologies.names import Names
from topologies.numbered_names import are_numbered
from topologies.outside import kind_counts
from topologies.profiles import LinkProfile, NodeProfile, Shape, link_weights
from topologies.vpcs import NO_SUBNET, Vpcs

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["F64", "I32", "I64", "U8", "U16", "Explicit", "Incident", "Kind", "Pools", "Topology"]

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
F64 = npt.NDArray[np.float64]


def _frozen(array: npt.NDArray[np.generic]) -> None:
    array.setflags(write=False)


@dataclass(frozen=True)
class Topology:
    """Network as a graph.

    Shapes: kinds, tiers uint8[n]; groups int32[n]; ends, ports int32[m, 2]; link_profile
    uint16[m]; node_profile uint16[n]; positions float64[n, 2] or None.

    `groups` numbers the leaf groups of the hierarchy (racks) so that neighbours in the hierarchy
    are neighbours in number: placement cuts this line. A node above the leaves carries the number
    of its first leaf group; -1 is no group (cores).
    `ports` hold the port number on each end: a host's count from 0, a switch's from 1.
    The nodes of the underlay come first, then members (full hosts of a VPC), then light nodes; so do their
    links. `vpcs` are the networks of the latter two. `carriers` (int64[c]) are the nodes that carry some
    which this graph leaves out (see `full`, `underlay`). `carried` (int64[p, 2]) are compute hosts and
    address spaces that stay prepared for light nodes although their last one may have moved away.
    `notes` are lines for people on what an imported file says and this graph leaves out; they aren't stored.
    """

    name: str
    names: Names
    kinds: U8
    tiers: U8
    tier_names: tuple[str, ...]
    groups: I32
    ends: I32
    ports: I32
    link_profile: U16
    link_profiles: tuple[LinkProfile, ...]
    node_profile: U16
    node_profiles: tuple[NodeProfile, ...]
    seed: int = 0
    forwarding: str = "bridged"
    static_arp: bool = False
    pools: Pools = Pools()
    explicit: Mapping[int, Explicit] = field(default_factory=dict)
    positions: F64 | None = None
    vpcs: Vpcs | None = None
    carriers: I64 = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    carried: I64 = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n, m = len(self.names), len(self.ends)
        if len(self.kinds) != n or len(self.tiers) != n or len(self.groups) != n:
            raise ValueError(f"node arrays must have {n} entries")
        if self.ends.shape != (m, 2) or self.ports.shape != (m, 2) or len(self.link_profile) != m:
            raise ValueError(f"link arrays must have {m} entries")
        for array in (self.kinds, self.tiers, self.groups, self.ends, self.ports, self.link_profile,
                      self.node_profile):  # fmt: skip
            _frozen(array)

    @property
    def node_count(self) -> int:
        """Number of nodes."""
        return len(self.kinds)

    @property
    def link_count(self) -> int:
        """Number of links."""
        return len(self.ends)

    @cached_property
    def hosts(self) -> I64:
        """Indices of the hosts, ascending: int64[h]."""
        return np.flatnonzero(self.kinds == Kind.HOST)

    @cached_property
    def light(self) -> npt.NDArray[np.bool_]:
        """Nodes of fidelity `light`: bool[n]."""
        table = np.array([profile.fidelity == "light" for profile in self.node_profiles], dtype=bool)
        return table[self.node_profile]

    @cached_property
    def member(self) -> npt.NDArray[np.bool_]:
        """Members: hosts of a VPC that aren't light, but nodes behind a compute host: bool[n]."""
        if self.vpcs is None:
            return np.zeros(self.node_count, dtype=bool)
        return np.asarray((self.vpcs.of_node != NO_SUBNET) & ~self.light)

    @cached_property
    def full(self) -> Topology:
        """The graph without its light nodes and their links; the indices of all others are the same."""
        count = self.node_count - int(np.count_nonzero(self.light))
        if count == self.node_count:
            return self
        return self._first(count, self.vpcs.first(count) if self.vpcs and self.member.any() else None)

    @cached_property
    def underlay(self) -> Topology:
        """The graph without its light nodes and members: what VPCs ride on. The indices are the same."""
        full = self.full
        members = int(np.count_nonzero(full.member))
        return full._first(full.node_count - members, None) if members else full  # noqa: SLF001 -- own class

    def _first(self, count: int, vpcs: Vpcs | None) -> Topology:
        """Return the graph of the first `count` nodes, and of the links between them, which are the first."""
        links = int(np.searchsorted((self.ends >= count).any(axis=1), [1])[0])
        beyond = self.ends[links:]
        carriers = np.union1d(beyond[beyond < count], self.carried[:, 0])
        return replace(
            self,
            names=self.names.first(count),
            kinds=self.kinds[:count],
            tiers=self.tiers[:count],
            groups=self.groups[:count],
            ends=self.ends[:links],
            ports=self.ports[:links],
            link_profile=self.link_profile[:links],
            node_profile=self.node_profile[:count],
            explicit={node: values for node, values in self.explicit.items() if node < count},
            positions=None if self.positions is None else self.positions[:count],
            vpcs=vpcs,
            carriers=np.union1d(carriers, self.carriers).astype(np.int64),
            carried=self.carried[:0],
        )

    @cached_property
    def light_hosts(self) -> I32:
        """The compute host of each light node, in their order: int32[k]."""
        return self.compute_hosts[self.full.node_count - self.underlay.node_count :]

    @cached_property
    def compute_hosts(self) -> I32:
        """The compute host of each member and light node, in their order: int32[k]."""
        ends = self.ends[self.underlay.link_count :]
        first = self.underlay.node_count
        is_carried = ends >= first
        hosts = np.empty(self.node_count - first, dtype=np.int32)
        hosts[ends[is_carried] - first] = ends[is_carried[:, ::-1]]
        return hosts

    @cached_property
    def has_numbered_switches(self) -> bool:
        """Whether the names of all switches are one word with different numbers: s1, s2, …."""
        return are_numbered(self.names[node] for node in np.flatnonzero(self.kinds == Kind.SWITCH).tolist())

    @cached_property
    def degrees(self) -> I64:
        """Number of link ends at each node: int64[n]."""
        return np.bincount(self.ends.ravel(), minlength=self.node_count)

    @cached_property
    def incidence(self) -> tuple[I64, I64]:
        """Compressed rows of link ends by node: (start int64[n+1], slot int64[2m]).

        `slot[start[v]:start[v+1]]` are the ends at node v in port order of appearance; slot s is
        end `s % 2` of link `s // 2`.
        """
        order = np.argsort(self.ends.ravel(), kind="stable")
        start = np.zeros(self.node_count + 1, dtype=np.int64)
        np.cumsum(self.degrees, out=start[1:])
        return start, order

    def incident(self, node: int) -> list[Incident]:
        """Return the link ends at `node`, in order of the links."""
        start, slot = self.incidence
        slots = slot[start[node] : start[node + 1]]
        ports = self.ports.reshape(-1)[slots].tolist()
        return [Incident(s >> 1, s & 1, port) for s, port in zip(slots.tolist(), ports, strict=True)]

    def node_profile_of(self, node: int) -> NodeProfile:
        """Return the profile of `node`."""
        return self.node_profiles[int(self.node_profile[node])]

    def link_profile_of(self, link: int) -> LinkProfile:
        """Return the profile of `link`."""
        return self.link_profiles[int(self.link_profile[link])]

    def shape(self, link: int, end: int) -> Shape:
        """Return the `Shape` of what end `end` of `link` sends."""
        profile = self.link_profile_of(link)
        return profile.forward if end == 0 else profile.backward

    def kind_counts(self) -> dict[str, int]:
        """Return the number of nodes of each kind that occurs."""
        return kind_counts(self.kinds, self.node_profile, [of.outside.kind for of in self.node_profiles])

    def fidelity_counts(self) -> dict[str, int]:
        """Return the number of nodes of each fidelity that occurs."""
        counts = np.bincount(self.node_profile, minlength=len(self.node_profiles))
        out: dict[str, int] = {}
        for profile, count in zip(self.node_profiles, counts.tolist(), strict=True):
            if count:
                out[profile.fidelity] = out.get(profile.fidelity, 0) + count
        return out

    def to_networkx(self) -> nx.MultiGraph[str]:
        """Return the graph for networkx: undirected, and a MultiGraph since links may be parallel.

        Nodes are names. Their attributes: `index`, `kind` (host, switch, router, nat, outside), `tier`,
        `group` (the leaf group, -1: none), `fidelity`, and `pos` (x, y or longitude, latitude) if known.
        The key of an edge is the link's index. Its attributes: `ends` (first name, second name) and `ports`
        in that order; `delay` in seconds, the longer of both directions, 0 without one; `bandwidth` in
        bit/s, the lower of both directions, where there is one; and `profile`, the whole `LinkProfile`.
        """
        import networkx as nx  # the one use of it: whoever doesn't call this doesn't load it

        graph: nx.MultiGraph[str] = nx.MultiGraph(name=self.name)
        for node, name in enumerate(names := list(self.names)):
            place = {} if self.positions is None else {"pos": tuple(self.positions[node].tolist())}
            of, kind = self.node_profile_of(node), Kind(self.kinds[node])
            graph.add_node(
                name, index=node, kind=of.outside.kind or kind.word, group=int(self.groups[node]),
                tier=self.tier_names[self.tiers[node]], fidelity=of.fidelity, **place,
            )  # fmt: skip
        weights = [link_weights(profile) for profile in self.link_profiles]
        rows = zip(self.ends.tolist(), self.ports.tolist(), self.link_profile.tolist(), strict=True)
        for link, ((a, b), ports, number) in enumerate(rows):
            ends = names[a], names[b]
            graph.add_edge(*ends, key=link, ends=ends, ports=tuple(ports), **weights[number])
        return graph
