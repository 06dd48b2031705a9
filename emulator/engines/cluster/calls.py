"""Calls to the workers of a network: all at once, each with a limit, errors with their worker's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from emulator.carriers.protocol import Answer, Call, Carrier, Outcome, WorkerProgress
from emulator.errors import (
    BrokenError,
    EmulationError,
    LostWorkerError,
    NotWholeError,
    RefusedError,
    UnableError,
    UsageError,
)
from emulator.network import Progress
from emulator.tasks import Plain

QUICK_SECONDS = 30.0
"""Limit of a call that only looks or changes one thing."""

Arguments = Mapping[str, Plain]


class Workers:
    """The workers of one network, by name, behind a carrier; `common` are arguments of every call."""

    def __init__(self, carrier: Callable[[], Carrier], names: Sequence[str], common: Arguments) -> None:
        self._carrier = carrier
        self.names = tuple(names)
        self._common = dict(common)

    def each(
        self, names: Sequence[str] | None = None, arguments: Arguments | None = None
    ) -> dict[str, Arguments]:
        """Return the same arguments for each worker of `names`, by default all."""
        return {name: arguments or {} for name in (self.names if names is None else names)}

    def outcomes(
        self, entry: str, each: Mapping[str, Arguments], seconds: float = QUICK_SECONDS, *,
        data: Mapping[str, bytes] | bytes = b"", own_process: bool = False,
        progress: WorkerProgress | None = None,
    ) -> dict[str, Outcome]:  # fmt: skip
        """Call `entry` on each worker of `each` with its arguments; return the outcomes by worker."""
        calls = [
            Call(
                worker, entry, {**self._common, **arguments},
                data if isinstance(data, bytes) else data.get(worker, b""), own_process,
            )
            for worker, arguments in each.items()
        ]  # fmt: skip
        found = self._carrier().call(calls, seconds, progress) if calls else []
        return {outcome.worker: outcome for outcome in found}

    def ask(
        self, entry: str, each: Mapping[str, Arguments], seconds: float = QUICK_SECONDS, **options: Any
    ) -> dict[str, Answer]:
        """Call `entry` on each worker of `each`; raise what went wrong, with the workers' names."""
        outcomes = self.outcomes(entry, each, seconds, **options)
        failed = {worker: one.error for worker, one in outcomes.items() if one.error is not None}
        if failed:
            raise_for(failed)
        return {worker: one.answer or Answer() for worker, one in outcomes.items()}

    def ask_all(
        self, entry: str, seconds: float = QUICK_SECONDS, arguments: Arguments | None = None, **options: Any
    ) -> dict[str, Answer]:
        """Call `entry` on all workers with the same arguments."""
        return self.ask(entry, self.each(arguments=arguments), seconds, **options)

    def ask_one(
        self, worker: str, entry: str, arguments: Arguments, seconds: float = QUICK_SECONDS, **options: Any
    ) -> Answer:
        """Call `entry` on one worker."""
        return self.ask(entry, {worker: arguments}, seconds, **options)[worker]


_EACH_SHOWN = 4
"""Most workers whose progress is shown one by one."""
_KINDS = (UsageError, UnableError, NotWholeError, LostWorkerError)


def raise_for(failed: Mapping[str, EmulationError]) -> NoReturn:
    """Raise the errors of workers as one error of their kind, or BrokenError where kinds differ.

    Refusals of the plan keep each reason; every line names its worker.
    """
    if all(isinstance(error, RefusedError) for error in failed.values()):
        raise RefusedError(
            [f"{worker}: {reason}" for worker, error in failed.items() for reason in _reasons(error)]
        )
    words = "\n".join(f"{worker}: {error}" for worker, error in failed.items())
    kinds = {type(error) for error in failed.values()}
    kind = next((kind for kind in _KINDS if kinds == {kind}), BrokenError)
    raise kind(words) from next(iter(failed.values()))


def _reasons(error: EmulationError) -> list[str]:
    return error.reasons if isinstance(error, RefusedError) else [str(error)]


class SummedProgress:
    """Progress of all workers as one: the sums over the workers of the phase that was told last.

    The words of the phase tell how far each worker is; of many workers, how far the last one is.
    """

    def __init__(self, progress: Progress, workers: Sequence[str]) -> None:
        self._progress = progress
        self._workers = workers
        self._last: dict[str, tuple[str, int, int]] = {}

    def __call__(self, worker: str, told: Plain) -> None:
        """Take what a worker told: [phase, done, total]."""
        phase, done, total = told
        self._last[worker] = (str(phase), int(done), int(total))
        here = {name: each for name, each in self._last.items() if each[0] == phase}
        if len(self._workers) <= _EACH_SHOWN:
            shown = f"{phase} ({', '.join(self._far(name, phase) for name in self._workers)})"
        else:
            last = min(here, key=lambda name: here[name][1] / (here[name][2] or 1))
            shown = f"{phase} on {len(here)} of {len(self._workers)} workers ({self._far(last, phase)})"
        self._progress(shown, sum(each[1] for each in here.values()), sum(each[2] for each in here.values()))

    def _far(self, worker: str, shown: str) -> str:
        """Return how far a worker is in the phase `shown`, or in which other one."""
        phase, done, total = self._last.get(worker, ("begins", 0, 0))
        return f"{worker} {done / (total or 1):.0%}" if phase == shown else f"{worker}: {phase}"
