"""Parts of work on the workers of a cluster: a call each, in a process of its own there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from emulator.engines.cluster.calls import Workers
from emulator.parts import Part, PartEnd
from emulator.tasks import Plain


def run_part(
    workers: Workers, part: Part, number: str, seconds: float, told: Callable[[Plain], None]
) -> PartEnd:
    """Run a part until it ends; raises its error, or LostWorkerError."""
    arguments = {"number": number, "entry": part.entry, "arguments": dict(part.arguments)}
    answer = workers.ask_one(
        part.worker, "emulator.agent.parts:run", arguments, seconds, data=part.data, own_process=True,
        progress=lambda _, progress: told(progress),
    )  # fmt: skip
    return PartEnd(answer.value, answer.data)


def is_running(workers: Workers, worker: str, number: str) -> bool:
    """Return whether a part runs."""
    return bool(workers.ask_one(worker, "emulator.agent.parts:is_running", {"number": number}).value)


def take_end(workers: Workers, worker: str, number: str) -> PartEnd | None:
    """Return what a part left whose call was lost; None if it left nothing."""
    answer = workers.ask_one(worker, "emulator.agent.parts:take_end", {"number": number})
    return None if answer.value is None else PartEnd(answer.value, answer.data)


def send(workers: Workers, worker: str, number: str, message: Mapping[str, Plain]) -> None:
    """Send a message to a part."""
    workers.ask_one(worker, "emulator.agent.parts:send", {"number": number, "message": dict(message)})
