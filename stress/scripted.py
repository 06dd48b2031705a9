"""Stress runs that a Python program starts: `network.stress(…)`. Nothing is printed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulator.network import Engine, Network
from stress import limits, report
from stress.actions.action_context import Growth
from stress.metrics.figures import Figures
from stress.possible_shapes import require_shapes
from stress.preflight import preflight, with_shapes
from stress.report.summary import summary
from stress.runner import run
from stress.scenario.load import Document, document_of, load
from stress.schedule import planned
from topologies.given import data_source
from topologies.quantities import TIME


def run_scripted(
    network: Network, engine: Engine, scenario: Path | str | Mapping[str, Any], *, journal: Path,
    growth: Growth, seed: int | None, duration: str | None, folder: Path | None,
) -> tuple[dict[str, Any], list[str]]:  # fmt: skip
    """Run a scenario on `network`; return the whole report as plain data, and a line for each limit.

    Raises what is wrong with the scenario before anything is changed, and what made the run fail after
    everything was restored and the report was written.
    """
    document = _document(scenario)
    judged = limits.wanted(document)
    if folder is not None:
        report.require_writable(folder)
    seed = document.scenario.seed if seed is None else seed
    steps = document.steps(None if duration is None else TIME.parse(duration))
    schedule = planned(document, network.topology, seed, steps)
    preflight(document, schedule, network, seed, engine.name)
    require_shapes(engine, network.topology, with_shapes(schedule))
    result = run(document, schedule, network, seed=seed, journal=journal, growth=growth)
    figures = Figures(result)
    verdicts = limits.judge(result, judged, figures)
    if folder is not None:
        report.write(result, verdicts, folder, figures)
    if result.failure is not None:
        raise result.failure
    words = [f"{'passed' if verdict.held else 'FAILED'}  {verdict}" for verdict in verdicts]
    return summary(result, verdicts, figures), words


def _document(scenario: Path | str | Mapping[str, Any]) -> Document:
    if isinstance(scenario, Mapping):
        return document_of(data_source(scenario, "scenario"))
    return load(scenario)
