"""Start MaxiNet's driver, and what it is told."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from emulator.engine_options import Options
from emulator.engines.driven.launch import DriverPaths, Recipe
from emulator.engines.remote.program import Json
from emulator.plan import Plan
from emulator.state import state_root

TITLE = "MaxiNet"
_DRIVER = Path(__file__).with_name("driver")
_SBIN = ":/usr/local/sbin:/usr/sbin:/sbin"
"""MaxiNet runs `ip` on this machine, which users other than root may not have on their path."""


def recipe(options: Options, paths: DriverPaths) -> Recipe:
    """Return how to start the driver. Its files go into the network's folder: MaxiNet leaves keys in /tmp."""
    folder = paths.folder / "files"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    path = os.environ.get("PATH", os.defpath) + _SBIN
    return Recipe(str(options["python"]), _DRIVER, {"TMPDIR": str(folder), "PATH": path})


def settings(plan: Plan) -> Json:
    """Return the arguments of the driver's steps `open`, `clean` and `look`.

    Under the name of `owner` MaxiNet reserves the workers, with this machine's name before it.
    """
    options = plan.options
    return {
        "owner": f"topology-emulator/{plan.topology.name}.{zlib.crc32(str(state_root()).encode()):08x}",
        "home": options["home"],
        "frontend": options.get("frontend"),
        "password_file": options.get("password_file"),
        "workers": [worker.name for worker in plan.workers],
    }
