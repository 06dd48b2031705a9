"""What a worker tells of itself when it signs on: release, certificate, memory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from emulator.carriers.certificates import Certificate
from emulator.errors import EmulationError
from emulator.linux.machine.resources import available_memory
from emulator.version import __version__

MEMORY_VARIABLE = "EMULATOR_WORKER_MEMORY"
"""Bytes that a worker may use, where several share a machine."""


async def facts(dask_worker: Any) -> dict[str, Any]:
    """Return what the carrier wants to know of a worker: see `WorkerState`."""
    return {
        "release": __version__,
        "certificate_end": _certificate_end(dask_worker),
        "memory": worker_memory(),
    }


def worker_memory() -> int:
    """Return the memory that this worker may use, in bytes; 0 if it isn't known."""
    given = os.environ.get(MEMORY_VARIABLE, "")
    return int(given) if given.isdigit() else available_memory() or 0


def _certificate_end(worker: Any) -> float | None:
    """Return when the certificate of a Dask worker ends, in seconds since 1970; None if it has none."""
    path = worker.security.tls_worker_cert
    if not path:
        return None
    try:
        return Certificate.read(Path(path)).end
    except EmulationError:  # removed since the worker started: what it uses is in memory only
        return None
