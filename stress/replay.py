"""Schedule files: a JSON object, then a JSON list for each operation. Written to be replayed, or edited."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stress.arrivals import MICRO
from stress.scenario.load import Document
from stress.scenario.model import Step
from stress.schedule import Schedule, as_columns, operations_of_steps, span
from stress.targets import Target, is_target, target_name
from topologies.errors import InputError, Problem
from topologies.open_input import open_input
from topologies.topology import Topology

FORMAT = 1
_MOST = 1 << 30
"""Largest size of a schedule from a pipe, in bytes."""
_NO_OPERATION = "is not an operation of this network"


def saved(schedule: Schedule) -> Iterator[str]:
    """Yield the lines of a schedule file: a JSON object, then a JSON list for each operation."""
    names = [step.name for step in schedule.steps]
    head = {
        "format": FORMAT, "topology": schedule.topology.name, "steps": names, "operations": len(schedule),
    }  # fmt: skip
    yield json.dumps(head) + "\n"
    columns = (schedule.at, schedule.step, schedule.verb, schedule.target)
    for at, step, verb, target in zip(*(column.tolist() for column in columns), strict=True):
        yield (
            json.dumps([at, step, schedule.steps[step].action.VERBS[verb], *schedule.targets[target]]) + "\n"
        )


def save(schedule: Schedule, path: Path) -> None:
    """Write the schedule file."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(saved(schedule))


def replayed(
    path: Path, document: Document, topology: Topology, seed: int, steps: Sequence[Step]
) -> Schedule:
    """Return the schedule in the file at `path`; InputError when it isn't a schedule of these steps.

    Each step is planned to find the kinds of its targets, because the file may have been edited by hand.
    """
    name = str(path)
    kinds = [
        {target.kind for target in plan.targets}
        for plan in operations_of_steps(document, topology, seed, steps)
    ]
    try:
        with open_input(path, _MOST) as raw, io.TextIOWrapper(raw, encoding="utf-8") as file:
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
    numbers: dict[Target, int] = {}
    known: list[set[Target]] = [set() for _ in steps]
    rows = []
    spans = [span(step) for step in steps]
    for line, text in numbered:
        row = _json(text)
        if not _is_row(row, steps):
            raise refuse(line, _NO_OPERATION)
        at, step, verb, *fields = row
        target = Target(*fields)
        if target not in known[step]:
            wrong = _wrong(target, topology, step, steps[step], kinds[step])
            if wrong:
                raise refuse(line, wrong)
            known[step].add(target)
        begin, end = spans[step]
        if not begin <= at <= end:
            raise refuse(line, _out_of_step(steps[step], at))
        number = numbers.setdefault(target, len(numbers))
        rows.append((at, step, steps[step].action.VERBS.index(verb), number))
    if head.get("operations") != len(rows):
        raise refuse(
            1, f"says {head.get('operations')} operations, but {len(rows)} follow; save the schedule anew"
        )
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    table = table[np.argsort(table[:, 0], kind="stable")]
    at, step, verb, which = as_columns(*table.T)
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
    """Return whether `row` is [at, step, verb, kind, number, port, link], with a verb of its step."""
    if not isinstance(row, list) or len(row) != 7 or not all(type(row[k]) is int for k in (0, 1, 4, 5, 6)):
        return False
    at, step, verb, kind = row[:4]
    return bool(
        at >= 0 and 0 <= step < len(steps) and verb in steps[step].action.VERBS and isinstance(kind, str)
    )


def _wrong(target: Target, topology: Topology, number: int, step: Step, kinds: set[str]) -> str:
    """Return why step number `number` can't act on `target`; nothing when it can. It acts on `kinds`."""
    if not is_target(topology, target) or (target.kind == "step" and target.port != number):
        return _NO_OPERATION
    if target.kind in kinds:
        return ""
    wanted = " and ".join(f"{kind}s" for kind in sorted(kinds))
    return f"is on `{target_name(topology, target)}`, a {target.kind}, but `{step.name}` acts on {wanted}"


def _out_of_step(step: Step, at: int) -> str:
    """Return the message for an operation at `at` microseconds, which is outside the time of `step`."""
    return (
        f"is due at {at / MICRO:.10g} s, but `{step.name}` goes on from {step.start:g} s to {step.end:g} s; "
        "give the times and the `--duration` that it was saved with, or save the schedule anew"
    )
