"""Start Distrinet's driver under the Python that Distrinet's needs are installed for."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from emulator.engine_options import Options
from emulator.engines.driven import launch
from emulator.engines.driven.client import Driver
from emulator.engines.driven.launch import DriverPaths, Recipe

TITLE = "Distrinet"
_DRIVER = Path(__file__).with_name("driver")


def recipe(options: Options, paths: DriverPaths) -> Recipe:
    """Return how to start the driver. Distrinet writes `provision.log` into the driver's folder."""
    environment = {
        "EMULATOR_DISTRINET_HOME": str(options["home"]),
        "EMULATOR_DISTRINET_RUN": str(paths.folder),
    }
    return Recipe(str(options["python"]), _DRIVER, environment)


@contextmanager
def passing_driver(options: Options) -> Iterator[Driver]:
    """Run a driver that only answers questions about the workers."""
    with tempfile.TemporaryDirectory(prefix="emulator-") as folder:
        paths = DriverPaths(Path(folder))
        process = launch.start(recipe(options, paths), paths)
        try:
            yield Driver("", TITLE, paths, process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
