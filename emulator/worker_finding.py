"""`WorkerFinding`: what was found on one worker by `emulator doctor`."""

from __future__ import annotations

from dataclasses import dataclass

_CLOCK_SECONDS = 0.5
"""Difference of clocks from which times in reports of stress runs are useless."""


@dataclass(frozen=True)
class WorkerFinding:
    """Result of a check of a worker. `fix` tells how to correct what isn't fine.

    Networks run without what isn't `needed`; only what they do is limited.
    """

    worker: str
    name: str
    is_fine: bool
    value: str = ""
    fix: str = ""
    needed: bool = True


def clock_finding(worker: str, away: float, error: float) -> WorkerFinding:
    """Judge a clock that is `away` seconds from ours, give or take `error` seconds."""
    words = f"{away * 1e3:+.0f} ms, by at most {error * 1e3:.0f} ms"
    return WorkerFinding(
        worker, "clock", abs(away) - error < _CLOCK_SECONDS, words, "timedatectl set-ntp true"
    )
