"""What each worker gets of a plan: the same packed plan, and the number of its share."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from emulator.engines.cluster.calls import Arguments
from emulator.packed_plan import pack
from emulator.plan import Plan

NUMBER, USED, LEFT, ANSWERS = "id", "used", "left", "answers"
"""Keys of the record's options: the network's number, the workers that may have something of it, those that
`down` could not free, and what the workers answered."""

DEPLOY_SECONDS, SECONDS_PER_FORECAST = 120.0, 20.0
LOCK_SECONDS = 60.0
"""How long a worker waits for a command that still changes the network: the `up` of a killed client."""


def new_number() -> str:
    """Return a number for a new network or operation; nobody else draws the same."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Shipment:
    """A plan on its way to the workers: `names` of those with nodes; `data` is the same for all."""

    plan: Plan
    names: tuple[str, ...]
    data: bytes
    file: str

    def arguments(self, operation: str = "") -> dict[str, Arguments]:
        """Return the arguments of each worker."""
        share = {worker.name: number for number, worker in enumerate(self.plan.workers)}
        return {
            name: {"share": share[name], "operation": operation, "file": self.file, "seconds": LOCK_SECONDS}
            for name in self.names
        }

    @property
    def seconds(self) -> float:
        """Time limit for all workers."""
        return DEPLOY_SECONDS + SECONDS_PER_FORECAST * self.plan.seconds


def used_workers(plan: Plan) -> tuple[str, ...]:
    """Return the names of the workers that have nodes."""
    return tuple(
        worker.name for worker, nodes in zip(plan.workers, plan.counts.nodes.tolist(), strict=True) if nodes
    )


def shipment(plan: Plan, file: str) -> Shipment:
    """Return what the workers get of `plan`, which was loaded from `file`."""
    options = {key: value for key, value in plan.options.items() if key == "underlay"}
    return Shipment(plan, used_workers(plan), pack(replace(plan, options=options)), file)
