"""Random graph G(n, p): each pair of the n switches is linked with probability p, independently.

Erdős, Rényi: On random graphs, Publicationes Mathematicae 6, 1959; this form is Gilbert: Random
graphs, Annals of Mathematical Statistics 30, 1959. p n (n - 1) / 2 links are expected.
Below p = ln(n) / n such a graph is usually not connected: unless `connected: false`, its pieces are
joined by the fewest possible links (`sampling.joining`: a random node of each to one of the larger ones).
"""

from __future__ import annotations

from math import sqrt
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from topologies.families import Context
from topologies.generators.parts import Count, SwitchGraphParams, switch_graph
from topologies.generators.sampling import joining, pairs_by_chance
from topologies.topology import Topology


class Params(SwitchGraphParams):
    """Keys of `generator: erdos-renyi`."""

    generator: Literal["erdos-renyi"] = "erdos-renyi"
    n: Annotated[Count, Field(description="Switches")] = 10
    p: Annotated[float, Field(ge=0, le=1, description="Probability of each link")] = 0.3
    connected: Annotated[bool, Field(description="Join the components")] = True

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.with_hosts(self.n)

    def link_estimate(self) -> int:
        """Return a bound of the links, exceeded with probability below 10^-12 (10 standard deviations)."""
        expected = self.p * self.n * (self.n - 1) / 2
        return self.with_hosts(self.n) + int(expected + 10 * sqrt(expected))


def generate(params: Params, context: Context) -> Topology:
    """Return the graph: switches s1…, hosts h1… in their order."""
    chunks = list(pairs_by_chance(context.random, params.n, params.p))
    ends = np.concatenate([np.empty((0, 2), dtype=np.int64), *chunks])
    if params.connected:
        ends = np.concatenate([ends, joining(context.random, params.n, ends)])
    return switch_graph(params.n, ends, params.hosts_per_switch)
