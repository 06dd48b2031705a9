"""`Plan`: exactly what is to be made, pure: it can be printed, counted and refused."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import Forwarding
from emulator.forwarding.select import forwarding_for
from topologies.topology import Topology


@dataclass(frozen=True)
class Plan:
    """A topology, the engine it is for, and which worker gets which node.

    placement: int32[n], the worker's number for each node. `up` says which links are up (bool[m];
    None is all): forwarding goes around the others.
    """

    topology: Topology
    engine: str
    placement: npt.NDArray[np.int32]
    workers: int = 1
    up: npt.NDArray[np.bool_] | None = None

    @cached_property
    def forwarding(self) -> Forwarding:
        """How packets find their way; computed when first asked for."""
        return forwarding_for(self.topology, self.up)


def make_plan(
    topology: Topology, engine: str, workers: int = 1, up: npt.NDArray[np.bool_] | None = None
) -> Plan:
    """Return the plan of `topology` for `engine`."""
    return Plan(topology, engine, np.zeros(topology.node_count, dtype=np.int32), workers, up)
