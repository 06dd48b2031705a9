"""Start Distrinet's driver under the Python that Distrinet's needs are installed for."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emulator.engine_options import Options
from emulator.engines.driven import launch
from emulator.engines.driven.client import Driver
from emulator.engines.driven.launch import DriverPaths, DriverProcess, Recipe
from emulator.errors import BrokenError

TITLE = "Distrinet"
_ENDS_WITHIN = 2.0
_DRIVER = Path(__file__).with_name("driver")


def recipe(options: Options, paths: DriverPaths) -> Recipe:
    """Return how to start the driver. Distrinet writes `provision.log` into the driver's folder."""
    environment = {
        "EMULATOR_DISTRINET_HOME": str(options["home"]),
        "EMULATOR_DISTRINET_RUN": str(paths.folder),
    }
    return Recipe(str(options["python"]), _DRIVER, environment)


def _ends(process: DriverProcess) -> bool:
    """Return whether a driver that doesn't answer ends: it closes its socket a moment before."""
    deadline = time.monotonic() + _ENDS_WITHIN
    while process.alive and time.monotonic() < deadline:
        time.sleep(0.02)
    return not process.alive


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it wrote nothing"


@contextmanager
def passing_driver(options: Options) -> Iterator[Driver]:
    """Run a driver that only answers questions about the workers. BrokenError when it can't run."""
    with tempfile.TemporaryDirectory(prefix="emulator-") as folder:
        paths = DriverPaths(Path(folder))
        process = launch.start(recipe(options, paths), paths)
        try:
            yield Driver("", TITLE, paths, process)
        except BrokenError:
            if not _ends(process):
                raise
            raise BrokenError(f"{TITLE}'s driver ended: {_last_line(paths.log)}") from None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
