"""The schedule: every operation of a run, known to the microsecond before the run begins.

Columns of numbers, not objects: 300,000 operations are 5 MB, and none is made while the
network is shaken. The same scenario, seed and topology give the same schedule on any machine.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stress.actions.base import Moves, Room
from stress.arrivals import MICRO
from stress.operations import Operation
from stress.scenario.document import Step
from stress.scenario.load import Document, raise_all
from stress.targets import Thing, is_thing, thing_name
from topologies.errors import InputError, ParameterError, Problem
from topologies.reading import opened
from topologies.topology import Topology

Ints = npt.NDArray[np.int64]

FORMAT = 1
_MOST = 1 << 30
"""Bytes of a schedule that comes through a pipe."""
_NO_OPERATION = "is not an operation of this network"


@dataclass(frozen=True)
class Schedule:
    """n operations in the order in which they are due; equal times keep the order of the steps.

    at: int64[n], microseconds since the run began; step int16[n]; verb int8[n], a position in the step's
    VERBS; thing int32[n], a position in `things`.
    """

    topology: Topology
    steps: Sequence[Step]
    at: Ints
    step: npt.NDArray[np.int16]
    verb: npt.NDArray[np.int8]
    thing: npt.NDArray[np.int32]
    things: Sequence[Thing]

    def __len__(self) -> int:
        return len(self.at)

    @cached_property
    def names(self) -> list[str]:
        """What reports call each of `things`."""
        return [thing_name(self.topology, thing) for thing in self.things]

    def operation(self, number: int) -> Operation:
        """Return operation `number` as an object."""
        step = self.steps[int(self.step[number])]
        verb = step.action.VERBS[int(self.verb[number])]
        name = self.names[int(self.thing[number])]
        return Operation(number, int(self.at[number]) / MICRO, step.name, step.action.action, verb, (name,))

    def operations(self) -> Iterator[Operation]:
        """Yield all operations in order."""
        return map(self.operation, range(len(self)))

    def offered(self) -> dict[str, int]:
        """Return how many operations each step has."""
        counts = np.bincount(self.step, minlength=len(self.steps)).tolist()
        return {step.name: count for step, count in zip(self.steps, counts, strict=True)}

    def lines(self) -> Iterator[str]:
        """Yield the operations for people: seconds, step, verb, target."""
        for operation in self.operations():
            yield f"{operation.at:12.6f}  {operation.step}  {operation.verb}  {operation.targets[0]}"

    def saved(self) -> Iterator[str]:
        """Yield the lines of a schedule file: a JSON object, then a JSON list for each operation."""
        head = {"format": FORMAT, "topology": self.topology.name, "steps": [step.name for step in self.steps],
                "operations": len(self)}  # fmt: skip
        yield json.dumps(head) + "\n"
        for at, step, verb, thing in zip(
            self.at.tolist(), self.step.tolist(), self.verb.tolist(), self.thing.tolist(), strict=True
        ):
            yield json.dumps([at, step, self.steps[step].action.VERBS[verb], *self.things[thing]]) + "\n"


def planned(document: Document, topology: Topology, seed: int, steps: Sequence[Step]) -> Schedule:
    """Return the schedule of a scenario on `topology`; InputError with all that doesn't fit it."""
    made = _moves(document, topology, seed, steps)
    numbers: dict[Thing, int] = {}
    parts = []
    for index, (step, moves) in enumerate(zip(steps, made, strict=True)):
        own = [numbers.setdefault(_of_step(thing, index), len(numbers)) for thing in moves.things]
        parts.append(_columns(
            moves.at + _span(step)[0], np.full(len(moves.at), index), moves.verb, np.array(own)[moves.thing]
        ))  # fmt: skip
        moves.at = moves.verb = moves.thing = _NOTHING  # they take as much again
    at, which, verb, thing = (np.concatenate([part[k] for part in parts]) for k in range(4))
    order = np.argsort(at, kind="stable")
    return Schedule(topology, steps, at[order], which[order], verb[order], thing[order], list(numbers))


_NOTHING = np.zeros(0, dtype=np.int64)


def _columns(*columns: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
    """Return at, step, verb and thing as a `Schedule` has them."""
    return tuple(
        column.astype(kind)
        for column, kind in zip(columns, (np.int64, np.int16, np.int8, np.int32), strict=True)
    )


def _moves(document: Document, topology: Topology, seed: int, steps: Sequence[Step]) -> list[Moves]:
    """Return what each step does when; InputError with all that doesn't fit `topology`."""
    made: list[Moves] = []
    errors: list[ParameterError] = []
    for step in steps:
        room = Room(topology, step.name, step.loc, step.seconds, seed)
        try:
            made.append(step.action.moves(room))
        except ParameterError as error:
            errors.append(error)
    raise_all(document, errors)
    return made


def _span(step: Step) -> tuple[int, int]:
    """Return the first and the last microsecond at which operations of `step` may be due."""
    begin = round(step.start * MICRO)
    return begin, begin + round(step.seconds * MICRO)


def _out_of_step(step: Step, at: int) -> str:
    """Return the words for an operation of `step` that is due at `at` microseconds, before or after it."""
    return (
        f"is due at {at / MICRO:.10g} s, but `{step.name}` goes on from {step.start:g} s to {step.end:g} s; "
        "give the times and the `--duration` that it was saved with, or save the schedule anew"
    )


def _of_step(thing: Thing, index: int) -> Thing:
    """Return the thing that stands for a step as a whole, with the step's number."""
    return thing._replace(port=index) if thing.kind == "step" else thing


def save(schedule: Schedule, path: Path) -> None:
    """Write the schedule file."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(schedule.saved())


def replayed(
    path: Path, document: Document, topology: Topology, seed: int, steps: Sequence[Step]
) -> Schedule:
    """Return the schedule that the file at `path` holds; InputError when it isn't one of these steps.

    What kinds of things a step acts on is known by planning it: the file may have been edited by hand.
    """
    name = str(path)
    kinds = [{thing.kind for thing in moves.things} for moves in _moves(document, topology, seed, steps)]
    try:
        with opened(path, _MOST) as raw, io.TextIOWrapper(raw, encoding="utf-8") as file:
            return _replayed(name, file, topology, steps, kinds)
    except OSError as error:
        raise InputError([Problem(name, 0, 0, "", f"can't be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise InputError([Problem(name, 0, 0, "", "is not a schedule file")]) from error


def _replayed(
    name: str, lines: Iterable[str], topology: Topology, steps: Sequence[Step], kinds: Sequence[set[str]]
) -> Schedule:
    def refuse(line: int, words: str) -> InputError:
        return InputError([Problem(name, line, 1, "", words)])

    numbered = enumerate(lines, 1)
    head = _json(next(numbered, (1, ""))[1])
    words = _of_others(head, topology, steps)
    if words:
        raise refuse(1, words)
    numbers: dict[Thing, int] = {}
    known: list[set[Thing]] = [set() for _ in steps]
    rows = []
    spans = [_span(step) for step in steps]
    for line, text in numbered:
        row = _json(text)
        if not _is_row(row, steps):
            raise refuse(line, _NO_OPERATION)
        at, step, verb, *fields = row
        thing = Thing(*fields)
        if thing not in known[step]:
            wrong = _wrong(thing, topology, step, steps[step], kinds[step])
            if wrong:
                raise refuse(line, wrong)
            known[step].add(thing)
        begin, end = spans[step]
        if not begin <= at <= end:
            raise refuse(line, _out_of_step(steps[step], at))
        number = numbers.setdefault(thing, len(numbers))
        rows.append((at, step, steps[step].action.VERBS.index(verb), number))
    if head.get("operations") != len(rows):
        raise refuse(
            1, f"says {head.get('operations')} operations, but {len(rows)} follow; save the schedule anew"
        )
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    table = table[np.argsort(table[:, 0], kind="stable")]
    at, step, verb, which = _columns(*table.T)
    return Schedule(topology, steps, at, step, verb, which, list(numbers))


def _of_others(head: Any, topology: Topology, steps: Sequence[Step]) -> str:
    """Return why `head` isn't the first line of a schedule of these steps; nothing when it is."""
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        return "is not a schedule file; `--save-schedule` writes one"
    if head.get("steps") != [step.name for step in steps]:
        return "belongs to a scenario with other steps"
    if head.get("topology") != topology.name:
        return f"belongs to the network `{head.get('topology')}`, not to `{topology.name}`"
    return ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _is_row(row: Any, steps: Sequence[Step]) -> bool:
    """Return whether `row` is [at, step, verb, kind, number, port, link], of a step that does that."""
    if not isinstance(row, list) or len(row) != 7 or not all(type(row[k]) is int for k in (0, 1, 4, 5, 6)):
        return False
    at, step, verb, kind = row[:4]
    return bool(
        at >= 0 and 0 <= step < len(steps) and verb in steps[step].action.VERBS and isinstance(kind, str)
    )


def _wrong(thing: Thing, topology: Topology, number: int, step: Step, kinds: set[str]) -> str:
    """Return why `step`, the `number`th, can't act on `thing`, as it acts on `kinds`; nothing when it can."""
    if not is_thing(topology, thing) or (thing.kind == "step" and thing.port != number):
        return _NO_OPERATION
    if thing.kind in kinds:
        return ""
    wanted = " and ".join(f"{kind}s" for kind in sorted(kinds))
    return f"is on `{thing_name(topology, thing)}`, a {thing.kind}, but `{step.name}` acts on {wanted}"
