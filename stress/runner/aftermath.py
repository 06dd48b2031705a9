"""What a run found: outcomes from the workers' columns, and whether all is as it was before."""

from __future__ import annotations

from collections.abc import Sequence

from emulator.errors import EmulationError
from stress.journal import Journal
from stress.records import RunRecord
from stress.runner.columns import outcomes
from stress.runner.shared import Shared
from stress.runner.worker import Worker
from stress.schedule import Schedule
from stress.targets import Thing, thing_name


def collect(record: RunRecord, schedule: Schedule, workers: Sequence[Worker], shared: Shared) -> None:
    """Turn the workers' columns into outcomes, in the order of the schedule, and add what actions report."""
    for worker in workers:
        columns = worker.columns
        for step in schedule.step[columns.numbers[columns.done :]].tolist():
            if step in worker.over:
                record.offered[schedule.steps[step].name] -= 1
    record.outcomes = outcomes(schedule, [worker.columns for worker in workers])
    for kind, what in shared.reports:
        (record.traffic if kind == "traffic" else record.ramps).append(what)


def leaked(shared: Shared) -> list[str]:
    """Look whether everything is as before; what isn't is given back, and returned, a line each."""
    network, journal = shared.network, shared.journal
    if journal.lost:
        return ["the network is not there any more", *_grown(journal)]
    problems = [f"link {link_name(shared, link)} is not as before the run" for link in journal.changed]
    problems += _grown(journal)
    problems += network.health().problems
    try:
        problems += [words for words in network.repair() if words not in problems]
    except EmulationError as error:
        problems.append(f"nobody knows what else is missing: {error}")
    else:
        if not (journal.changed or journal.networks):
            journal.close()
    return problems


def _grown(journal: Journal) -> list[str]:
    return [f"network {name} that a ramp brought up is not down" for name in journal.networks]


def link_name(shared: Shared, link: int) -> str:
    """Return what reports call a link."""
    return thing_name(shared.network.topology, Thing("link", link))
