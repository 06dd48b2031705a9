"""Scale-free graph: switches come one by one and link to m earlier ones, preferring those with many links.

Barabási, Albert: Emergence of scaling in random networks, Science 286, 1999. It starts from a star
of m + 1 switches, so that it is connected and has m (n - m) links between switches.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from topologies.families import Context
from topologies.generators.parts import SwitchGraphParams, switch_graph
from topologies.rng import Stream
from topologies.topology import I64, Topology


class Params(SwitchGraphParams):
    """Keys of `generator: barabasi-albert`."""

    generator: Literal["barabasi-albert"] = "barabasi-albert"
    n: Annotated[int, Field(ge=2, le=10**12, description="Switches")] = 10
    m: Annotated[int, Field(ge=1, le=1000, description="Links of each new switch")] = 2

    @model_validator(mode="after")
    def _room(self) -> Params:
        if self.m >= self.n:
            raise ValueError(f"`m` must be less than `n`: write at most {self.n - 1}, got {self.m}")
        return self

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.with_hosts(self.n)

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return self.m * (self.n - self.m) + self.n * self.hosts_per_switch


def _draws(stream: Stream, block: int) -> Iterator[float]:
    while True:
        yield from stream.random(block).tolist()


def _attached(stream: Stream, n: int, m: int) -> I64:
    """Return the links (int64[m (n - m), 2]).

    A switch stands in `flat`, the list of all link ends, as often as it has links: a uniform
    choice from it prefers switches in proportion to their degree.
    """
    flat = [end for leaf in range(1, m + 1) for end in (0, leaf)]
    draws = _draws(stream, min(m * (n - m) + 64, 2**16))
    for new in range(m + 1, n):
        size = len(flat)
        chosen: dict[int, None] = {}  # a set that keeps its order: the same graph everywhere
        while len(chosen) < m:
            chosen[flat[int(next(draws) * size)]] = None
        for old in chosen:
            flat += (old, new)
    return np.array(flat, dtype=np.int64).reshape(-1, 2)


def generate(params: Params, context: Context) -> Topology:
    """Return the graph: switches s1… in order of arrival, hosts h1… in their order."""
    ends = _attached(context.random, params.n, params.m)
    return switch_graph(params.n, ends, params.hosts_per_switch)
