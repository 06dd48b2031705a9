"""Stress runs of scripts. The package `stress` is found by its name: nothing here imports it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from emulator.engines.registry import engine_named
from emulator.interface.growth import Growth
from emulator.interface.values import path_of, whole_of
from emulator.network import Network
from emulator.under_stress import held_for_stress, journal_of, require_restored

_RUN = "stress.scripted:run_scripted"


@dataclass(frozen=True)
class StressResult:
    """Result of a stress run. Times are seconds, shares from 0 to 1."""

    passed: bool
    """True if all limits held, nothing was left removed, and the run wasn't stopped."""
    figures: Mapping[str, float]
    """Every figure that limits can name, by name."""
    verdicts: tuple[str, ...]
    """A line for each limit."""
    summary: Mapping[str, Any]
    """The whole report as plain data: `report.json`."""


def run_on(
    network: Network, scenario: Path | str | Mapping[str, Any], seed: int | None,
    duration: str | float | None, report: Path | str | None,
) -> StressResult:  # fmt: skip
    """Run a scenario on `network`, which no other run may use meanwhile (BrokenError)."""
    run: Any = resolve_name(_RUN)
    if not isinstance(scenario, Mapping):
        scenario = path_of(scenario, "the scenario")
    folder = None if report is None else path_of(report, "report")
    if seed is not None:
        whole_of(seed, "seed", 0, 2**63 - 1)
    with held_for_stress(network.name):
        require_restored(network.name)
        summary, verdicts = run(
            network, engine_named(network.engine), scenario, journal=journal_of(network.name),
            growth=Growth(network), seed=seed, duration=duration, folder=folder,
        )  # fmt: skip
    return StressResult(summary["held"], summary["figures"], tuple(verdicts), summary)
