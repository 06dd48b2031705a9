"""Torus of two or three dimensions: a grid of switches that wraps around, n hosts on each.

The k-ary n-cube of Dally: Performance analysis of k-ary n-cube interconnection networks, IEEE
Transactions on Computers 39(6), 1990; in two dimensions Mininet's `--topo torus,x,y`. Each switch
has two neighbours along each dimension: (product of dims) x (number of dims) links between switches.
"""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field

from topologies.families import Context
from topologies.generators.parts import SwitchGraphParams, switch_graph, z_order
from topologies.topology import Topology


def _wraps(extent: int) -> int:
    if extent < 3:
        raise ValueError(
            f"must be at least 3, got {extent}: the wrap-around of a shorter row would double its links; "
            "for rows of 2 use `generator: hypercube`"
        )
    return extent


def _dimensions(dims: list[int]) -> list[int]:
    if len(dims) not in (2, 3):
        raise ValueError(f"a torus has 2 or 3 dimensions, got {len(dims)}; write for example [4, 4]")
    return dims


class Params(SwitchGraphParams):
    """Keys of `generator: torus`."""

    generator: Literal["torus"] = "torus"
    dims: Annotated[
        list[Annotated[int, Field(le=10**6), AfterValidator(_wraps)]], AfterValidator(_dimensions)
    ] = Field([4, 4], description="Switches along each dimension, 2 or 3 numbers")

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.with_hosts(prod(self.dims))

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return prod(self.dims) * (len(self.dims) + self.hosts_per_switch)


def generate(params: Params, context: Context) -> Topology:
    """Return the torus: switches s1… row by row, the last dimension fastest; hosts h1… in their order."""
    del context
    count = prod(params.dims)
    grid = np.arange(count).reshape(params.dims)
    next_along = [np.roll(grid, -1, axis).ravel() for axis in range(grid.ndim)]
    ends = np.stack([np.tile(grid.ravel(), grid.ndim), np.concatenate(next_along)], axis=1)
    place = np.stack(np.unravel_index(np.arange(count), params.dims), axis=1)
    return switch_graph(count, ends, params.hosts_per_switch, groups=z_order(place))
