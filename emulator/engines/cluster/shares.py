"""What each worker gets of a plan: the same packed plan, and the number of its share."""

from __future__ import annotations

import uuid
import weakref
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
    return Shipment(plan, used_workers(plan), _LAST.packed(plan), file)


class _LastPacked:
    """The plan that was packed last, as long as somebody has it: `up` ships it to ask, and then to create."""

    def __init__(self) -> None:
        self._kept: tuple[weakref.ref[Plan], bytes] | None = None

    def packed(self, plan: Plan) -> bytes:
        """Return `plan` packed, with the options that workers need."""
        kept = self._kept
        if kept is not None and kept[0]() is plan:
            return kept[1]
        options = {key: value for key, value in plan.options.items() if key == "underlay"}
        data = pack(replace(plan, options=options))
        self._kept = weakref.ref(plan, self._forget), data
        return data

    def _forget(self, plan: weakref.ref[Plan]) -> None:
        if self._kept is not None and self._kept[0] is plan:
            self._kept = None


_LAST = _LastPacked()
