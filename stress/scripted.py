"""Stress runs that a Python program starts: `network.stress(…)`. Nothing is printed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulator.network import Engine, Network
from stress import report
from stress.actions.action_context import Growth
from stress.prepared import duration_of, prepared
from stress.report.summary import summary
from stress.scenario.load import Document, document_of, load
from topologies.given import data_source


def run_scripted(
    network: Network, engine: Engine, scenario: Path | Mapping[str, Any], *, journal: Path,
    growth: Growth, seed: int | None, duration: object, folder: Path | None,
) -> tuple[dict[str, Any], list[str]]:  # fmt: skip
    """Run a scenario on `network`; return the whole report as plain data, and a line for each limit.

    Raises what is wrong with the scenario before anything is changed, and what made the run fail after
    everything was restored and the report was written.
    """
    document = _document(scenario)
    if folder is not None:
        report.require_writable(folder)
    seconds = duration_of(duration, "duration")
    outcome = prepared(document, network, engine, seed=seed, seconds=seconds).run(network, journal, growth)
    if folder is not None:
        outcome.write(folder)
    if outcome.result.failure is not None:
        raise outcome.result.failure
    return summary(outcome.result, outcome.verdicts, outcome.figures), outcome.lines


def _document(scenario: Path | Mapping[str, Any]) -> Document:
    if isinstance(scenario, Mapping):
        return document_of(data_source(scenario, "scenario"))
    return load(scenario)
