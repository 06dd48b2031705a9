"""Building blocks that several families share."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import numpy.typing as npt
from pydantic import Field

from topologies.builder import Builder
from topologies.families import GeneratorParams
from topologies.topology import I64, Kind, Topology

Count = Annotated[int, Field(ge=1, le=10**12)]
"""A count: the bound keeps products printable; `build` refuses topologies that are too large."""

HostsPerSwitch = Annotated[int, Field(ge=0, le=10**6, description="Hosts on each switch")]


class SwitchGraphParams(GeneratorParams):
    """Keys of a family of equal switches, each with hosts."""

    hosts_per_switch: HostsPerSwitch = 1

    def with_hosts(self, switches: int) -> int:
        """Return the number of nodes of `switches` switches with their hosts."""
        return switches * (1 + self.hosts_per_switch)


def add_hosts(build: Builder, switches: I64, per_switch: int, groups: npt.ArrayLike) -> I64:
    """Add `per_switch` hosts to each switch, named h1… in the order of the switches.

    `groups` holds the leaf group of each switch; its hosts are in the same one.
    """
    group = np.repeat(groups, per_switch)
    hosts = build.add_nodes(Kind.HOST, "h", len(group), group=group)
    build.add_links(np.repeat(switches, per_switch), hosts)
    return hosts


def switch_graph(count: int, ends: I64, hosts_per_switch: int, *, groups: I64 | None = None) -> Topology:
    """Return switches s1… with the links `ends` (int64[m, 2]), and hosts h1… on each.

    Each switch and its hosts form one leaf group, numbered by `groups` or else in the order of the switches.
    """
    build = Builder()
    numbers = np.arange(count) if groups is None else groups
    switches = build.add_nodes(Kind.SWITCH, "s", count, group=numbers)
    add_hosts(build, switches, hosts_per_switch, numbers)
    build.add_links(ends[:, 0], ends[:, 1])
    return build.build()


def full_mesh(lower: I64, upper: I64) -> tuple[I64, I64]:
    """Pair every lower node with every upper node, row by row of two (rows, count) arrays."""
    pairs = np.broadcast_arrays(lower[:, :, None], upper[:, None, :])
    return pairs[0].ravel(), pairs[1].ravel()


def z_order(coordinates: I64) -> I64:
    """Return each point's rank (int64[n]) along the Z-order curve through `coordinates` (int64[n, d] >= 0).

    Points near on the curve are near in space, so that cutting the line of ranks cuts few links (Morton: A
    computer oriented geodetic data base, IBM, 1966).
    """
    count, dimensions = coordinates.shape
    code = np.zeros(count, dtype=np.int64)
    bits = int(coordinates.max(initial=0)).bit_length()
    for bit in range(bits):
        for axis in range(dimensions):
            code |= ((coordinates[:, axis] >> bit) & 1) << (bit * dimensions + axis)
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(code, kind="stable")] = np.arange(count)
    return rank
