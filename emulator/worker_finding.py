"""`WorkerFinding`: what was found on one worker by `emulator doctor`."""

from __future__ import annotations

from dataclasses import dataclass


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
