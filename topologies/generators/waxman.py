"""Random graph in the plane: near switches are linked more often than far ones.

Waxman: Routing of multipoint connections, IEEE Journal on Selected Areas in Communications 6(9),
1988. n switches uniform in a square; each pair at distance d is linked with probability
beta exp(-d / (alpha L)), where L is the largest possible distance: the square's diagonal.
Pieces are joined as in `erdos-renyi`. With `delay: true` each link between switches has the delay of its
length at 5 us/km, light in fibre (ITU-T G.652 fibre, group index 1.47), in steps of 10 us.
"""

from __future__ import annotations

from math import sqrt
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from topologies.builder import Builder
from topologies.families import Context
from topologies.generators.parts import SwitchGraphParams, add_hosts, z_order
from topologies.generators.sampling import joining, pairs_by_chance
from topologies.profiles import LinkProfile, Shape
from topologies.rng import Stream
from topologies.topology import F64, I64, Kind, Topology

MAX_PAIRS = 2 * 10**8
"""Largest number of pairs to examine, at about 75 ns each: 15 seconds."""

SECONDS_PER_KM = 5e-6
STEP_US = 10


class Params(SwitchGraphParams):
    """Keys of `generator: waxman`."""

    generator: Literal["waxman"] = "waxman"
    n: Annotated[int, Field(ge=1, le=10**6, description="Switches")] = 20
    alpha: Annotated[
        float, Field(ge=1e-6, le=1, description="Reach: larger values link more distant pairs")
    ] = 0.1
    beta: Annotated[float, Field(gt=0, le=1, description="Density: probability of a link of length 0")] = 0.4
    side_km: Annotated[float, Field(ge=0.001, le=20_000, description="Side of the square")] = 1000.0
    delay: Annotated[bool, Field(description="Delay each link by its length; needs netem")] = False

    @model_validator(mode="after")
    def _affordable(self) -> Params:
        if self._pairs() > MAX_PAIRS:
            most = MAX_PAIRS / (self.n * (self.n - 1) / 2)
            raise ValueError(
                f"{self._pairs():,.0f} pairs would be examined; the maximum is {MAX_PAIRS:,}; "
                f"for n = {self.n:,} write a `beta` of at most {most:.2g}"
            )
        return self

    def _pairs(self) -> float:
        return self.beta * self.n * (self.n - 1) / 2

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.with_hosts(self.n)

    def link_estimate(self) -> int:
        """Return an upper bound of the links, from the share of pairs nearer than each distance.

        A pair is within distance r with chance at most pi r^2 / side^2, so that a pair is linked with
        chance at most beta 2 pi (alpha L / side)^2 = 4 pi alpha^2 beta (integrated over r), and at
        most beta.
        """
        expected = self._pairs() * min(1.0, 4 * np.pi * self.alpha**2)
        return self.with_hosts(self.n) + int(expected + 10 * sqrt(expected))


def generate(params: Params, context: Context) -> Topology:
    """Return the graph: switches s1… with positions in km, hosts h1… at the positions of their switches."""
    stream, n = context.random, params.n
    place = stream.random(2 * n).reshape(n, 2) * params.side_km
    ends = _near_pairs(stream, params, place)
    ends = np.concatenate([ends, joining(stream, n, ends)])
    build = Builder()
    groups = z_order((place / params.side_km * 2**20).astype(np.int64))
    switches = build.add_nodes(Kind.SWITCH, "s", n, group=groups)
    add_hosts(build, switches, params.hosts_per_switch, groups)
    if params.delay:
        _add_delayed(build, ends, _length(place, ends))
    else:
        build.add_links(ends[:, 0], ends[:, 1])
    return build.build(positions=np.concatenate([place, np.repeat(place, params.hosts_per_switch, axis=0)]))


def _length(place: F64, ends: I64) -> F64:
    """Return the length of each link in km: float64[m]."""
    across = place[ends[:, 0]] - place[ends[:, 1]]
    length: F64 = np.sqrt(
        (across * across).sum(axis=1)
    )  # exact to the last bit on all machines; hypot is not
    return length


def _near_pairs(stream: Stream, params: Params, place: F64) -> I64:
    """Return the links: pairs taken with chance beta, kept with chance exp(-d / (alpha L))."""
    reach = params.alpha * sqrt(2) * params.side_km
    kept = [np.empty((0, 2), dtype=np.int64)]
    for pairs in pairs_by_chance(stream, params.n, params.beta):
        chance = np.exp(-_length(place, pairs) / reach)
        kept.append(pairs[stream.random(len(pairs)) < chance])
    return np.concatenate(kept)


def _add_delayed(build: Builder, ends: I64, length: F64) -> None:
    """Add the links in runs of equal delay: few profiles, however many links."""
    steps = np.maximum(np.rint(length * (SECONDS_PER_KM * 1e6 / STEP_US)).astype(np.int64), 1)
    order = np.argsort(steps, kind="stable")
    starts = np.unique(steps[order], return_index=True)[1]
    for run in np.split(order, starts)[1:]:
        shape = Shape(delay=int(steps[run[0]]) * STEP_US / 1e6)
        build.add_links(ends[run, 0], ends[run, 1], LinkProfile(shape, shape))
