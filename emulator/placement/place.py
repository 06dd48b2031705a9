"""`place`: entry point of this package. It chooses a strategy, and places again until tunnels fit too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emulator.forecast import node_bytes
from emulator.placement.choice import choose
from emulator.placement.clusters import carriers, contract, total
from emulator.placement.rebalance import rebalance
from emulator.placement.strategy import Request
from emulator.placement.worker import UNLIMITED, Capacity, Worker, capacity
from topologies.topology import I64, Topology

_ROUNDS = 5
"""Maximum number of placements until the tunnels fit too."""


@dataclass(frozen=True)
class Placement:
    """The worker of each node (int32[n]), the strategy that chose it, and warnings for people."""

    worker: npt.NDArray[np.int32]
    method: str
    warnings: tuple[str, ...] = ()


def place(topology: Topology, engine: str, workers: Sequence[Worker], method: str | None = None) -> Placement:
    """Return the worker of each node of `topology`; `engine` determines the nodes' memory.

    `method` is one of `choice.METHODS`, None chooses by the graph. Deterministic: the same input gives
    the same placement. A placement that doesn't fit is returned all the same: `Plan.refusals` counts it.
    UsageError when `hierarchy` is asked for and the topology has none.
    """
    if len(workers) == 1:
        return Placement(np.zeros(topology.node_count, dtype=np.int32), "one worker")
    limits = capacity(workers)
    able = np.flatnonzero(limits.share > 0)
    memory = node_bytes(topology, engine=engine)
    clusters, carrier = contract(topology, memory), carriers(topology)

    def placed(memory: I64) -> tuple[Placement, I64]:
        """Place nodes of this memory; return also their memory with the tunnels that this makes."""
        request = Request(topology, clusters.with_memory(memory), limits.share[able])
        chosen = choose(request, method)
        worker = rebalance(able[chosen.worker], request.clusters, memory, carrier, limits).astype(np.int32)
        needed = node_bytes(topology, cut_links(topology, worker), engine)
        return Placement(worker, chosen.method, chosen.warnings), needed

    for _ in range(_ROUNDS):
        # tunnels need more memory than local links: the next round counts those of this one
        found, memory = placed(memory)
        if _is_final(found.worker, memory, limits):
            return found
    # rounds may take turns between two placements: what has room for tunnels everywhere ends that
    last, memory = placed(node_bytes(topology, np.ones(topology.link_count, dtype=bool), engine))
    return last if _is_final(last.worker, memory, limits) else found


def cut_links(topology: Topology, worker: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Return which links have their ends on different workers: bool[m]. worker is int32[n]."""
    ends = worker[topology.ends]
    return np.asarray(ends[:, 0] != ends[:, 1])


def _is_final(worker: npt.NDArray[np.int32], memory: I64, limits: Capacity) -> bool:
    """Return whether no worker is overfull, or the workers together are too small for any placement."""
    index, count = worker.astype(np.int64), limits.count
    fits = (total(index, memory, count) <= limits.memory) & (
        np.bincount(index, minlength=count) <= limits.nodes
    )
    stated = (limits.memory < UNLIMITED).all()
    return bool(fits.all() or (stated and memory.sum() > limits.memory.sum(dtype=np.float64)))
