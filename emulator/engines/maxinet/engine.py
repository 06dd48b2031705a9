"""The engine maxinet: what MaxiNet needs beside the shared parts of engines on workers."""

from __future__ import annotations

from pathlib import Path

from emulator.engine_options import Options
from emulator.engines.driven.launch import DriverPaths, Recipe
from emulator.engines.remote.engine import RemoteEngine
from emulator.engines.remote.program import Json, RemoteProgram
from emulator.plan import Plan

_DRIVER = Path(__file__).with_name("driver")


def _recipe(options: Options, paths: DriverPaths) -> Recipe:
    del paths
    return Recipe(str(options["python"]), _DRIVER)


def _settings(plan: Plan) -> Json:
    return dict(plan.options)


class MaxinetEngine(RemoteEngine):
    """Deploys plans to MaxiNet."""

    name = "maxinet"
    program = RemoteProgram(
        engine="maxinet",
        title="MaxiNet",
        recipe=_recipe,
        settings=_settings,
        refusals=lambda _: [],
        preflight=lambda _: [],
        unshapable=lambda _: [],
        tunnels_fix="load ip_gre on the workers (`modprobe ip_gre`), and let GRE through between them",
    )
