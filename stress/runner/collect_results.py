"""Results of a run: facts of the network and the scenario, outcomes, and leftovers of the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.errors import EmulationError
from emulator.network import Network
from stress.arrivals import MICRO
from stress.joined_reports import joined_flows
from stress.journal import Journal
from stress.records import RunResult
from stress.runner.columns import outcomes
from stress.runner.shared_state import SharedState
from stress.runner.worker import Worker
from stress.scenario.load import Document
from stress.schedule import Schedule
from stress.targets import Target, target_name


def network_facts(network: Network) -> dict[str, Any]:
    """Return the facts of the network for the report."""
    topology = network.topology
    return {
        "name": network.name, "engine": network.engine, "nodes": topology.kind_counts(),
        "links": topology.link_count, "fidelity": topology.fidelity_counts(),
    }  # fmt: skip


def scenario_facts(document: Document, schedule: Schedule) -> dict[str, Any]:
    """Return the scenario for the report: the file's keys, and its steps with their times."""
    facts = document.scenario.model_dump(mode="json", exclude={"steps"})
    facts["steps"] = [
        {"name": step.name, "start": step.start, "seconds": step.seconds, "group": step.group,
         **step.action.model_dump(mode="json", exclude={"name", "start", "duration"})}
        for step in schedule.steps
    ]  # fmt: skip
    facts["file"] = document.source.file
    facts["seconds"] = (int(schedule.at[-1]) if len(schedule) else 0) / MICRO
    return facts


def collect(result: RunResult, schedule: Schedule, workers: Sequence[Worker], shared: SharedState) -> None:
    """Turn the workers' columns into outcomes, in the order of the schedule, and add the actions' reports."""
    for worker in workers:
        columns = worker.columns
        for step in schedule.step[columns.numbers[columns.done :]].tolist():
            if step in worker.over:
                result.offered[schedule.steps[step].name] -= 1
    result.outcomes = outcomes(schedule, [worker.columns for worker in workers])
    order = {step.name: at for at, step in enumerate(schedule.steps)}
    reports = sorted(shared.reports, key=lambda report: order[report[1]["step"]])
    result.traffic += joined_flows(what for kind, what in reports if kind == "traffic")
    result.ramps += [what for kind, what in reports if kind == "ramp"]


def leaked(shared: SharedState) -> list[str]:
    """Restore everything that differs from before the run, and return it, a line each."""
    network, journal = shared.network, shared.journal
    if journal.lost:
        return ["the network is not there any more", *_grown(journal)]
    problems = [f"link {link_name(shared, link)} is not as before the run" for link in journal.changed]
    problems += _grown(journal)
    problems += network.health().problems
    try:
        problems += [words for words in network.repair() if words not in problems]
    except EmulationError as error:
        problems.append(f"could not check for other missing elements: {error}")
    else:
        if not (journal.changed or journal.networks):
            journal.close()
    return problems


def _grown(journal: Journal) -> list[str]:
    return [f"network {name} that a ramp brought up is not down" for name in journal.networks]


def link_name(shared: SharedState, link: int) -> str:
    """Return the name of a link in reports."""
    return target_name(shared.network.topology, Target("link", link))
