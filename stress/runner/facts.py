"""What a record says of the network and the scenario."""

from __future__ import annotations

from typing import Any

from emulator.network import Network
from stress.arrivals import MICRO
from stress.scenario.load import Document
from stress.schedule import Schedule


def network_facts(network: Network) -> dict[str, Any]:
    """Return what a report says about the network."""
    topology = network.topology
    return {
        "name": network.name, "engine": network.engine, "nodes": topology.kind_counts(),
        "links": topology.link_count, "fidelity": topology.fidelity_counts(),
    }  # fmt: skip


def scenario_facts(document: Document, schedule: Schedule) -> dict[str, Any]:
    """Return the scenario as it was run: the file's keys, and its steps with their times."""
    facts = document.scenario.model_dump(mode="json", exclude={"steps"})
    facts["steps"] = [
        {"name": step.name, "start": step.start, "seconds": step.seconds, "group": step.group,
         **step.action.model_dump(mode="json", exclude={"name", "start", "duration"})}
        for step in schedule.steps
    ]  # fmt: skip
    facts["file"] = document.source.file
    facts["seconds"] = (int(schedule.at[-1]) if len(schedule) else 0) / MICRO
    return facts
