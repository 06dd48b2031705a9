"""Plan a file for an engine: on the workers that the caller imagines, the file names, or the engine finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from emulator.engine_options import Options, engine_options, engine_plan, pinned_workers
from emulator.errors import UsageError
from emulator.network import Engine
from emulator.placement.worker import Worker
from emulator.plan import Plan
from emulator.worker_finding import WorkerFinding
from topologies.counting import counted
from topologies.overrides import pinned_nodes
from topologies.spec.load import Document
from topologies.topology import Topology


@runtime_checkable
class FindsWorkers(Protocol):
    """An engine whose workers are found when a plan is made, not named by the file."""

    def workers(self, options: Mapping[str, Any]) -> tuple[Sequence[Worker], Mapping[str, Any]]:
        """Return the workers that the engine's options lead to, and further options for the plan."""
        ...

    def placed(self, plan: Plan) -> Plan:
        """Return the plan as the engine would carry it out, beside what runs of it already."""
        ...


@runtime_checkable
class ExaminesWorkers(Protocol):
    """An engine that can tell what its workers lack, whatever the plan."""

    def examine(self, options: Mapping[str, Any]) -> Sequence[WorkerFinding]:
        """Return the findings of all workers that the engine's options lead to."""
        ...


def planned(
    document: Document, topology: Topology, engine: Engine, machines: Sequence[Worker] = (),
    method: str | None = None, *, given: Options | None = None,
) -> Plan:  # fmt: skip
    """Return the plan of a file for `engine`, on `machines` if there are any.

    `given` are engine options of the command line. Raises the engine's errors.
    """
    options = engine_options(document, engine.name, given)
    if machines or not isinstance(engine, FindsWorkers):
        return engine_plan(document, topology, engine.name, machines, method, options=options)
    machines, found = engine.workers(options)
    options = {**options, **found}
    plan = engine.placed(engine_plan(document, topology, engine.name, machines, method, options=options))
    _require_pins(document, plan)
    return plan


def _require_pins(document: Document, plan: Plan) -> None:
    """Raise UsageError if the file pins a running node to another worker: it stays where it is."""
    if not document.spec.placement:
        return
    wanted = pinned_workers(plan, pinned_nodes(plan.topology, document.spec.placement))
    elsewhere: list[int] = np.flatnonzero((wanted >= 0) & (wanted != plan.placement)).tolist()
    if elsewhere:
        node = elsewhere[0]
        here, there = (plan.workers[int(of[node])].name for of in (plan.placement, wanted))
        raise UsageError(
            f"{counted(len(elsewhere), 'node')} can't move: {plan.topology.names[node]} runs on {here}, "
            f"and the file places it on {there}; `emulator down {plan.topology.name}` first"
        )
