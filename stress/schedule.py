"""The schedule: every operation of a run, known to the microsecond before the run begins.

It is columns of numbers, not objects: 300,000 operations take 5 MB, and none is allocated while the
network is under stress. The same scenario, seed and topology give the same schedule on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.arrivals import MICRO
from stress.operations import Operation
from stress.scenario.load import Document, raise_all
from stress.scenario.model import Step
from stress.targets import Target, target_name
from topologies.errors import ParameterError
from topologies.topology import Topology

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Schedule:
    """n operations in the order of their due times; equal times keep the order of the steps.

    at: int64[n], microseconds since the run began; step int16[n]; verb int8[n], a position in the step's
    VERBS; target int32[n], a position in `targets`.
    """

    topology: Topology
    steps: Sequence[Step]
    at: Ints
    step: npt.NDArray[np.int16]
    verb: npt.NDArray[np.int8]
    target: npt.NDArray[np.int32]
    targets: Sequence[Target]

    def __len__(self) -> int:
        return len(self.at)

    @cached_property
    def names(self) -> list[str]:
        """Name of each of `targets` in reports."""
        return [target_name(self.topology, target) for target in self.targets]

    def operation(self, number: int) -> Operation:
        """Return operation `number` as an object."""
        step = self.steps[int(self.step[number])]
        verb = step.action.VERBS[int(self.verb[number])]
        name = self.names[int(self.target[number])]
        return Operation(number, int(self.at[number]) / MICRO, step.name, step.action.action, verb, (name,))

    def operations(self) -> Iterator[Operation]:
        """Yield all operations in order."""
        return map(self.operation, range(len(self)))

    def offered(self) -> dict[str, int]:
        """Return the number of operations of each step."""
        counts = np.bincount(self.step, minlength=len(self.steps)).tolist()
        return {step.name: count for step, count in zip(self.steps, counts, strict=True)}

    def lines(self) -> Iterator[str]:
        """Yield the operations for people: seconds, step, verb, target."""
        for operation in self.operations():
            yield f"{operation.at:12.6f}  {operation.step}  {operation.verb}  {operation.targets[0]}"


def planned(document: Document, topology: Topology, seed: int, steps: Sequence[Step]) -> Schedule:
    """Return the schedule of a scenario on `topology`; InputError with all errors of its steps."""
    made = operations_of_steps(document, topology, seed, steps)
    numbers: dict[Target, int] = {}
    parts = []
    for index, (step, plan) in enumerate(zip(steps, made, strict=True)):
        own = [numbers.setdefault(_of_step(target, index), len(numbers)) for target in plan.targets]
        parts.append(as_columns(
            plan.at + span(step)[0], np.full(len(plan.at), index), plan.verb, np.array(own)[plan.target]
        ))  # fmt: skip
        plan.at = plan.verb = plan.target = _NOTHING  # they take as much again
    at, which, verb, target = (np.concatenate([part[k] for part in parts]) for k in range(4))
    order = np.argsort(at, kind="stable")
    return Schedule(topology, steps, at[order], which[order], verb[order], target[order], list(numbers))


_NOTHING = np.zeros(0, dtype=np.int64)


def as_columns(*columns: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
    """Return the columns at, step, verb and target of a `Schedule`."""
    return tuple(
        column.astype(kind)
        for column, kind in zip(columns, (np.int64, np.int16, np.int8, np.int32), strict=True)
    )


def operations_of_steps(
    document: Document, topology: Topology, seed: int, steps: Sequence[Step]
) -> list[PlannedOperations]:
    """Return the planned operations of each step; InputError with all that don't fit `topology`."""
    made: list[PlannedOperations] = []
    errors: list[ParameterError] = []
    for step in steps:
        context = PlanContext(topology, step.name, step.loc, step.seconds, seed)
        try:
            made.append(step.action.plan(context))
        except ParameterError as error:
            errors.append(error)
    raise_all(document, errors)
    return made


def span(step: Step) -> tuple[int, int]:
    """Return the first and the last microsecond at which operations of `step` may be due."""
    begin = round(step.start * MICRO)
    return begin, begin + round(step.seconds * MICRO)


def _of_step(target: Target, index: int) -> Target:
    """Return the target that represents a step as a whole, with the step's number."""
    return target._replace(port=index) if target.kind == "step" else target
