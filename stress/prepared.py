"""A stress run from its scenario to its verdicts: the steps of `emulator stress` and `network.stress(…)`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from emulator.errors import UsageError
from emulator.network import Engine, Network
from stress import limits, report
from stress.actions.action_context import Growth
from stress.limits import Limit, Verdict
from stress.metrics.figures import Figures
from stress.possible_shapes import require_shapes
from stress.preflight import preflight, with_shapes
from stress.probes.specs import Addressed
from stress.records import RunResult
from stress.replay import replayed
from stress.runner import Look, run
from stress.scenario.load import Document
from stress.schedule import Schedule, planned
from topologies.quantities import TIME
from topologies.topology import Topology


@dataclass(frozen=True)
class Outcome:
    """A run that has ended: its result, its figures, and a verdict for each limit."""

    result: RunResult
    figures: Figures
    verdicts: Sequence[Verdict]

    @property
    def lines(self) -> list[str]:
        """A line for each limit."""
        return [f"{'passed' if verdict.held else 'FAILED'}  {verdict}" for verdict in self.verdicts]

    def write(self, folder: Path) -> None:
        """Write the report into `folder`; BrokenError if that fails."""
        report.write(self.result, self.verdicts, folder, self.figures)


@dataclass(frozen=True)
class PreparedRun:
    """A scenario with its schedule for a network, which nothing refuses."""

    document: Document
    schedule: Schedule
    seed: int
    limits: Sequence[Limit]

    def run(self, network: Network, journal: Path, growth: Growth, look: Look | None = None) -> Outcome:
        """Run it on `network`, which the caller holds for stress; everything is restored at the end."""
        result = run(
            self.document, self.schedule, network,
            seed=self.seed, journal=journal, growth=growth, look=look,
        )  # fmt: skip
        figures = Figures(result)
        return Outcome(result, figures, limits.judge(result, self.limits, figures))


def prepared(
    document: Document, network: Addressed, engine: Engine, *, seed: int | None = None,
    seconds: float | None = None, replay: Path | None = None,
) -> PreparedRun:  # fmt: skip
    """Plan a scenario for a network; raise everything that is wrong with it before anything is changed."""
    judged = limits.wanted(document)
    number = seed_of(document, seed)
    schedule = scheduled(document, network.topology, number, seconds, replay)
    preflight(document, schedule, network, number, engine.name)
    require_shapes(engine, network.topology, with_shapes(schedule))
    return PreparedRun(document, schedule, number, judged)


def scheduled(
    document: Document, topology: Topology, seed: int, seconds: float | None, replay: Path | None
) -> Schedule:
    """Return the schedule: by the seed, or as it was saved in the file `replay`."""
    steps = document.steps(seconds)
    if replay is not None:
        return replayed(replay, document, topology, seed, steps)
    return planned(document, topology, seed, steps)


def seed_of(document: Document, given: int | None) -> int:
    """Return the seed of the run: `given`, or the scenario's."""
    return int(document.scenario.seed if given is None else given)


def duration_of(value: object, what: str) -> float | None:
    """Return the duration of all steps in seconds, as people give it (`30 s`); None for the scenario's."""
    if value is None:
        return None
    try:
        seconds = TIME.parse(value)
    except ValueError as error:
        raise UsageError(f"{what}: {error}") from error
    if not seconds:
        raise UsageError(f"{what} must be more than 0, for example `30 s`")
    return seconds
