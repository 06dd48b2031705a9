"""A worker's part of a schedule, and what came of it, as plain data and compressed columns."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stress.actions.registry import action_named
from stress.runner.columns import Columns
from stress.scenario.model import Step
from stress.schedule import Schedule
from stress.targets import Target
from topologies.topology import Topology

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Plain = dict[str, Any]


def packed(columns: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return columns as bytes."""
    out = io.BytesIO()
    every: dict[str, Any] = dict(columns)
    np.savez_compressed(out, **every)
    return out.getvalue()


def unpacked(data: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the columns that `packed` made `data` of; pickles in it are refused."""
    with np.load(io.BytesIO(data), allow_pickle=False) as found:
        return {name: found[name] for name in found.files}


def part_of(schedule: Schedule, numbers: Ints) -> tuple[Plain, bytes]:
    """Return the operations `numbers` of a schedule: the steps and targets in use, and their columns."""
    steps, step = np.unique(schedule.step[numbers], return_inverse=True)
    targets, target = np.unique(schedule.target[numbers], return_inverse=True)
    plain = {
        "steps": [_plain_step(schedule.steps[number]) for number in steps.tolist()],
        "targets": [list(schedule.targets[number]) for number in targets.tolist()],
    }
    columns: dict[str, npt.NDArray[Any]] = {
        "at": schedule.at[numbers], "step": step.astype(np.int16), "verb": schedule.verb[numbers],
        "target": target.astype(np.int32),
    }  # fmt: skip
    return plain, packed(columns)


def schedule_of(plain: Mapping[str, Any], data: bytes, topology: Topology) -> Schedule:
    """Return the schedule of a part, from the output of `part_of`."""
    targets = [Target(*words) for words in plain["targets"]]
    return Schedule(
        topology, [_step(one) for one in plain["steps"]], **_typed(unpacked(data)), targets=targets
    )


def _typed(columns: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    return {name: columns[name] for name in ("at", "step", "verb", "target")}


def _plain_step(step: Step) -> Plain:
    action = step.action.model_dump(mode="json", exclude_none=True)
    return {"action": action, "name": step.name, "group": step.group, "start": step.start,
            "seconds": step.seconds}  # fmt: skip


def _step(plain: Mapping[str, Any]) -> Step:
    action = action_named(plain["action"]["action"]).model_validate(plain["action"])
    return Step(action, plain["name"], (), plain["group"], plain["start"], plain["seconds"])


class Done(NamedTuple):
    """Operations that a part has carried out: their places in it, times in seconds, and kinds of outcomes."""

    place: Ints
    due: Floats
    started: Floats
    finished: Floats
    kind: npt.NDArray[np.uint16]
    kinds: Sequence[tuple[str, str]]


def done_of(workers: Sequence[Columns]) -> tuple[list[list[str]], bytes]:
    """Return what threads have carried out: the kinds of their outcomes, and the columns of `Done`."""
    kinds: dict[tuple[str, str], int] = {("", ""): 0}
    parts: list[list[npt.NDArray[Any]]] = []
    for columns in workers:
        own = np.array([kinds.setdefault(kind, len(kinds)) for kind in columns.kinds], dtype=np.uint16)
        times = [
            np.array(column[: columns.done]) for column in (columns.due, columns.started, columns.finished)
        ]
        kind = own[np.array(columns.kind[: columns.done], dtype=np.int64)]
        parts.append([columns.numbers[: columns.done], *times, kind])
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else _EMPTY
    names = ("place", "due", "started", "finished", "kind")
    return [list(kind) for kind in kinds], packed(dict(zip(names, joined, strict=True)))


_EMPTY = [np.zeros(0, dtype=kind) for kind in (np.int64, np.float64, np.float64, np.float64, np.uint16)]


def done_from(kinds: Sequence[Sequence[str]], data: bytes) -> Done:
    """Return what a part has carried out, from the output of `done_of`."""
    found = unpacked(data)
    return Done(**found, kinds=[(error, skipped) for error, skipped in kinds])
