"""Settings of Dask for all its processes; what users have in ~/.config/dask doesn't matter."""

from __future__ import annotations

import logging
import sys
from typing import Any

DEFAULT_PORT = 8786
SILENCE_SECONDS = 30.0
"""Time without a sign of life after which a connection counts as lost."""
LEAST_SILENCE_SECONDS = 11.0
"""Dask sends ten TCP keepalives, one a second at most."""


def require_dask() -> None:
    """Raise UnableError with the command that installs it, if Dask isn't there."""
    from importlib.util import find_spec

    from emulator.errors import UnableError

    lacking = [name for name in ("distributed", "cryptography") if find_spec(name) is None]
    if lacking:
        raise UnableError(
            f"clusters need {' and '.join(lacking)}: `{sys.executable} -m pip install {' '.join(lacking)}` "
            "(the extra `cluster` of this project)"
        )


def apply(silence: float = SILENCE_SECONDS) -> None:
    """Set Dask's configuration of this process. `silence`: see `SILENCE_SECONDS`."""
    import dask

    dask.config.set(_settings(silence))


def log_from(level: int) -> None:
    """Let Dask log only what has at least `level`. Several of its loggers have levels of their own."""
    for name in ("distributed", *logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(level)


def _settings(silence: float) -> dict[str, Any]:
    """Return the settings: nothing runs twice, nothing waits without limit, nothing listens in the clear.

    HTTP servers can't be switched off: they have no routes, and their addresses are on loopback.
    """
    return {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.scheduler.work-stealing": False,
        "distributed.scheduler.active-memory-manager.start": False,
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
        "distributed.scheduler.worker-ttl": f"{2 * silence:g}s",
        "distributed.scheduler.preload": [],
        "distributed.worker.preload": [],
        "distributed.client.preload": [],
        "distributed.worker.profile.enabled": False,
        "distributed.diagnostics.nvml": False,
        "distributed.admin.system-monitor.gil.enabled": False,
        "distributed.admin.low-level-log-length": 100,
        "distributed.comm.compression": False,
        "distributed.comm.retry.count": 0,
        "distributed.comm.timeouts.connect": "10s",
        "distributed.comm.timeouts.tcp": f"{silence:g}s",
        "distributed.comm.require-encryption": None,
    }
