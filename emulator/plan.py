"""`Plan`: exactly what will be created. Pure: it can be printed, counted and refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from emulator.deploy_time import worker_seconds
from emulator.forecast import node_bytes
from emulator.forwarding.blocked import blocked_links
from emulator.forwarding.members import of_underlay
from emulator.forwarding.overlay import OverlayForwarding
from emulator.forwarding.protocol import Forwarding
from emulator.forwarding.select import forwarding_for, warnings_for
from emulator.indices import PortIndices
from emulator.node_namespaces import NodeNamespaces, node_namespaces
from emulator.overlay.light_ports import LightPorts
from emulator.overlay.plan import Overlay
from emulator.placement.clusters import total
from emulator.placement.place import cut_links, place
from emulator.placement.worker import Worker, numbered
from emulator.plan_part import PlanPart, whole_part, worker_part
from emulator.tunnels import Underlay
from topologies.counting import counted, size_text
from topologies.engines import ENGINES
from topologies.topology import I64, Kind, Topology

__all__ = ["Plan", "Worker", "WorkerCounts", "make_plan", "numbered"]

_MOST_REFUSALS = 10


class WorkerCounts(NamedTuple):
    """Counts of w workers: int64[w]; `kinds` int64[w, 3] by `Kind`; `memory` in bytes.

    `ports` counts link ends, `links` links with both ends on the worker, `tunnels` links to other workers.
    """

    nodes: I64
    kinds: I64
    ports: I64
    links: I64
    tunnels: I64
    memory: I64


@dataclass(frozen=True)
class Plan:
    """A topology, its engine, and the worker of each node.

    placement: int32[n], the worker's number for each node; `method` is the placement strategy and `warnings`
    are notes for people on it. `up` marks the links that are up (bool[m]; None: all): forwarding avoids the
    others. `options` are the engine's own options, plain JSON data; only that engine reads them. `share` is
    the number of the worker that this machine is; None where one machine has all.
    """

    topology: Topology
    engine: str
    placement: npt.NDArray[np.int32]
    workers: tuple[Worker, ...] = (Worker("w1"),)
    up: npt.NDArray[np.bool_] | None = None
    method: str = "one worker"
    warnings: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    share: int | None = None

    @property
    def links_up(self) -> npt.NDArray[np.bool_]:
        """Links that are up: bool[m]."""
        return np.ones(self.topology.link_count, dtype=bool) if self.up is None else self.up

    def with_links(self, up: npt.NDArray[np.bool_]) -> Plan:
        """Return this plan with the links of `up` (bool[m]) up; itself if they are up already.

        Nodes keep their workers; only forwarding changes.
        """
        if np.array_equal(self.links_up, up):
            return self
        new = replace(self, up=None if up.all() else up)
        every = self.whole_overlay
        if every is not None and self.full is not self:  # changes of light ports leave that plan as it is
            links = self.topology.full.link_count
            new.__dict__["full"] = full = self.full.with_links(up[:links])
            same = full is self.full
            below = of_underlay(full.forwarding)
            new.__dict__["whole_overlay"] = every if same else replace(every, forwarding=below)
        return new

    @cached_property
    def full(self) -> Plan:
        """The plan of the nodes that aren't light; itself when there are no others.

        Engines create it, and `overlay` on top of it. The indices of nodes and links are the same.
        """
        topology = self.topology.full
        if topology is self.topology:
            return self
        up = None if self.up is None else self.up[: topology.link_count]
        return replace(self, topology=topology, placement=self.placement[: topology.node_count], up=up)

    @cached_property
    def overlay(self) -> Overlay | None:
        """The light ports and their compute hosts; None when no compute host is on this machine."""
        every = self.whole_overlay
        return None if every is None or every.here == frozenset() else every

    @cached_property
    def whole_overlay(self) -> Overlay | None:
        """The ports of VPCs and their compute hosts on all machines; None when there are none."""
        underlay = self.topology.underlay
        if underlay is self.topology:
            return None
        here = None
        if self.share is not None:
            carriers = underlay.carriers
            here = frozenset(carriers[self.placement[carriers] == self.share].tolist())
        return Overlay(LightPorts(self.topology), underlay, of_underlay(self.full.forwarding), here)

    @property
    def ports_up(self) -> npt.NDArray[np.bool_]:
        """Ports of VPCs that are up: bool[k], by row. A member's always is: its device is up or down."""
        if self.overlay is None:
            return np.zeros(0, dtype=bool)
        up = self.links_up[self.overlay.ports.link]
        up[: self.overlay.ports.members] = True
        return up

    @cached_property
    def forwarding(self) -> Forwarding:
        """Forwarding, computed on first use."""
        if self.topology.full is self.topology or self.topology.vpcs is None:
            return forwarding_for(self.topology, self.up)
        return OverlayForwarding(self.full.forwarding, self.topology, self.topology.vpcs)

    @cached_property
    def blocked(self) -> npt.NDArray[np.bool_]:
        """Links that carry nothing, since they would close a loop: bool[m]."""
        return blocked_links(self.topology, self.forwarding.roles)

    @cached_property
    def namespaces(self) -> NodeNamespaces:
        """The network namespace of each node."""
        row = ENGINES.get(self.engine)
        together = row is not None and row.one_switch_namespace
        light = self.whole_overlay.namespaces if self.whole_overlay else None
        return node_namespaces(self.topology, self.placement, one_switch_namespace=together, light=light)

    @cached_property
    def whole(self) -> PlanPart:
        """The part with every node and link."""
        return whole_part(self.topology, self.forwarding, self.namespaces, self.up, self.underlay)

    def part(self, worker: int) -> PlanPart:
        """Return the part of one worker: a mask over the graph; links to other workers are tunnels."""
        return worker_part(self.whole, worker)

    @cached_property
    def here(self) -> PlanPart:
        """The part that this machine creates."""
        return self.whole if self.share is None else self.part(self.share)

    @cached_property
    def underlay(self) -> Underlay | None:
        """What carries the tunnels between workers; None when the options name nothing. ValueError."""
        return Underlay.of(self.options, self.workers)

    @property
    def indices(self) -> PortIndices:
        """The interface indices of the ports on this machine."""
        return self.here.indices

    @cached_property
    def cut(self) -> npt.NDArray[np.bool_]:
        """Links between two workers; they become tunnels: bool[m]."""
        return cut_links(self.topology, self.placement)

    @cached_property
    def counts(self) -> WorkerCounts:
        """Counts of each worker."""
        topology, worker, count = self.topology, self.placement, len(self.workers)
        ends = worker[topology.ends]
        kinds = np.bincount(worker * np.int64(len(Kind)) + topology.kinds, minlength=count * len(Kind))
        return WorkerCounts(
            nodes=np.bincount(worker, minlength=count),
            kinds=kinds.reshape(count, len(Kind)),
            ports=np.bincount(ends.ravel(), minlength=count),
            links=np.bincount(ends[~self.cut, 0], minlength=count),
            tunnels=np.bincount(ends[self.cut].ravel(), minlength=count),
            memory=total(worker.astype(np.int64), node_bytes(topology, self.cut, self.engine), count),
        )

    @cached_property
    def seconds(self) -> float:
        """Forecast of the seconds to deploy the plan: those of the slowest worker."""
        each = worker_seconds(self.topology, self.placement, len(self.workers), self.cut, self.engine)
        return float(each.max(initial=0.0))

    def refusals(self) -> list[str]:
        """Return every reason, with its numbers, why the workers can't hold their parts."""
        out = self.together_too_small()
        full = []
        for worker, memory, nodes in zip(
            self.workers, self.counts.memory.tolist(), self.counts.nodes.tolist(), strict=True
        ):
            if worker.memory is not None and memory > worker.memory:
                full.append(f"{worker.name} needs {size_text(memory)}, it has {size_text(worker.memory)}")
            if worker.nodes is not None and nodes > worker.nodes:
                full.append(f"{worker.name} would get {counted(nodes, 'node')}, it takes {worker.nodes:,}")
        more = len(full) - _MOST_REFUSALS
        return [
            *out,
            *full[:_MOST_REFUSALS],
            *([f"and so for {counted(more, 'more worker')}"] if more > 0 else []),
        ]

    def together_too_small(self) -> list[str]:
        """Return why all workers together are too small, and how many of their size would suffice."""
        stated = [worker.memory for worker in self.workers if worker.memory is not None]
        need = int(self.counts.memory.sum())
        if len(self.workers) == 1 or len(stated) < len(self.workers) or need <= sum(stated):
            return []
        enough = -(-need * len(stated) // max(sum(stated), 1))
        have = f"the {len(stated):,} workers have {size_text(sum(stated))}"
        return [f"all together it needs {size_text(need)}, {have}: use {counted(enough, 'worker')} or more"]


def make_plan(
    topology: Topology, engine: str, workers: int | Sequence[Worker] = 1,
    up: npt.NDArray[np.bool_] | None = None, method: str | None = None,
    *, options: Mapping[str, Any] | None = None,
) -> Plan:  # fmt: skip
    """Return the plan of `topology` for `engine` on `workers`: a number of equal ones, or a list.

    `method` is one of `emulator.placement.choice.METHODS`; None chooses. `options` are the engine's own. This
    function refuses nothing: call `Plan.refusals`, and `accept` of the engine. ValueError without workers.
    """
    machines = numbered(workers) if isinstance(workers, int) else tuple(workers)
    if not machines:
        raise ValueError("a plan needs at least one worker")
    placement = place(topology, engine, machines, method)
    warnings = (*topology.notes, *warnings_for(topology.underlay), *placement.warnings)
    return Plan(topology, engine, placement.worker, machines, up, placement.method, warnings, options or {})
