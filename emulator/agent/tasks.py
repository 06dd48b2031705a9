"""Tasks of clients on this worker: code with sockets and processes in its nodes, until it is stopped."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from emulator.agent.leases import LEASES, Kind
from emulator.agent.reach import access_of
from emulator.carriers.protocol import Answer, RunningCall
from emulator.errors import EmulationError
from emulator.tasks import Plain, RunningTask, Task


class HeldTask:
    """A task that runs, until it is stopped or its lease ends."""

    def __init__(self, task: RunningTask) -> None:
        self.task = task

    def close(self) -> None:
        """End it; nobody wants its results."""
        with suppress(EmulationError, OSError):
            self.task.stop()


_TASKS = Kind(HeldTask)


def start(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Start the task `entry` with `arguments` in the nodes of the network `name`; return its number."""
    del call, data
    task = Task(arguments["entry"], arguments["arguments"])
    return Answer(LEASES.add(HeldTask(access_of(arguments).start(task))))


def ask(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Return the answer of the task `number` to `request`, and the error that ended its work, if any."""
    del call, data
    task = _TASKS.find(arguments).task
    return Answer([task.ask(arguments["request"]), failure_of(task)])


def stop(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """End the task `number`; return its results, and the error that ended its work early, if any."""
    del call, data
    task = _TASKS.find(arguments).task
    results = task.stop()
    LEASES.close(arguments["number"])
    return Answer([results, failure_of(task)])


def failure_of(task: RunningTask) -> str:
    """Return the words of the error that ended a task early; empty without one."""
    error = task.failure
    return "" if error is None else str(error) or type(error).__name__
