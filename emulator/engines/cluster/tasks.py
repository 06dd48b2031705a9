"""Tasks on the workers of a cluster: a part on each, as the task's `Spread` divides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.carriers.protocol import Outcome
from emulator.engines.cluster.calls import Workers, raise_for
from emulator.engines.cluster.leased import Leased
from emulator.errors import BrokenError, EmulationError, UnableError
from emulator.tasks import Places, Plain, Spread, Task

_STOP_SECONDS = 120.0
_CLOSE_SECONDS = 10.0


class ClusterTask:
    """A task whose parts run on workers."""

    def __init__(self, workers: Workers, places: Places, task: Task) -> None:
        if task.spread is None:
            raise UnableError(f"the engine cluster can't divide {task.entry} among its workers")
        self._workers = workers
        self._places = places
        self._spread: Spread = task.spread
        self._leased = Leased(workers)
        self._failure: EmulationError | None = None
        self._results: Plain = None
        self._stopped = False
        parts = task.spread.arguments(task.arguments, places)
        each = {name: {"entry": task.entry, "arguments": dict(part)} for name, part in parts.items()}
        outcomes = workers.outcomes("emulator.agent.tasks:start", each)
        self._leased.add({
            name: int(one.answer.value) for name, one in outcomes.items() if one.answer is not None
        })  # fmt: skip
        if failed := _errors(outcomes):
            self._leased.close(_CLOSE_SECONDS)
            raise_for(failed)

    @property
    def failure(self) -> BaseException | None:
        """Error that ended the work of a part early, or the loss of a worker."""
        return self._failure

    def ask(self, request: Plain = None) -> Plain:
        """Ask the parts that are concerned, at once; return the joined answer."""
        parts = self._spread.requests(request, self._places)
        numbers = self._leased.numbers
        each = {
            name: {"number": numbers[name], "request": part}
            for name, part in parts.items()
            if name in numbers
        }
        answers = self._workers.ask("emulator.agent.tasks:ask", each)
        self._note({name: answer.value[1] for name, answer in answers.items()})
        return self._spread.joined(request, {name: answer.value[0] for name, answer in answers.items()})

    def stop(self) -> Plain:
        """End all parts; return the results of those that answer. `failure` names the others."""
        if self._stopped:
            return self._results
        self._stopped = True
        each = {name: {"number": number} for name, number in self._leased.numbers.items()}
        try:
            outcomes = self._workers.outcomes("emulator.agent.tasks:stop", each, _STOP_SECONDS)
        finally:
            self._leased.end()
        done = {name: one.answer.value for name, one in outcomes.items() if one.answer is not None}
        self._note({name: value[1] for name, value in done.items()})
        self._note({name: str(error) for name, error in _errors(outcomes).items()})
        self._results = self._spread.results({name: value[0] for name, value in done.items()})
        return self._results

    def _note(self, failures: Mapping[str, Any]) -> None:
        words = "\n".join(f"{name}: {failure}" for name, failure in failures.items() if failure)
        if words and self._failure is None:
            self._failure = BrokenError(words)


def _errors(outcomes: Mapping[str, Outcome]) -> dict[str, EmulationError]:
    return {name: one.error for name, one in outcomes.items() if one.error is not None}
