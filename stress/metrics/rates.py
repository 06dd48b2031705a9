"""Rates from counters that only grow."""

from __future__ import annotations

from stress.metrics.figure_units import MODES

GAUGES = frozenset({"host.processes.running", "host.processes.blocked"})
"""Gauges among what `stress.metrics.host.counters` reads."""


def rates(before: dict[str, float], now: dict[str, float], seconds: float) -> dict[str, float]:
    """Return the growth per second. A counter that fell restarted at zero, with its node."""
    found = {}
    for name, value in now.items():
        if name in before:
            grown = value - before[name]
            found[name] = (grown if grown >= 0 else value) / seconds
    return found


def shares(found: dict[str, float]) -> dict[str, float]:
    """Return rates with CPU modes as shares of all counted CPU time, and cores of at most 1.

    The kernel counts CPU time in ticks, so over a short time it differs from the clock's time.
    """
    whole = sum(found.get(f"host.cpu.{mode}", 0.0) for mode in MODES)
    for name, value in list(found.items()):
        if name.startswith("host.cpu.core"):
            found[name] = min(value, 1.0)
        elif name.startswith("host.cpu.") and whole > 0:
            found[name] = min(value / whole, 1.0)
    return found
