"""`RemoteProgram`: what an engine tells about the program that creates its nodes on workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from emulator.engine_options import Options
from emulator.engines.driven.launch import DriverPaths, Recipe
from emulator.plan import Plan
from topologies.profiles import Shape

Json = dict[str, Any]


@dataclass(frozen=True)
class RemoteProgram:
    """The program behind one engine.

    `title` is its name for people. `recipe(options, paths)` starts its driver.
    `settings(plan)` are the arguments of the driver's step `open`. `refusals(plan)` are reasons that need no
    worker, `preflight(plan)` those that the workers and the program's Python give; each says the fix.
    `unshapable(shapes)` tells which shapes of links it can't make. `tunnels_fix` says what to do when links
    between workers carry nothing. One node or link may take `seconds`.
    """

    title: str
    recipe: Callable[[Options, DriverPaths], Recipe]
    settings: Callable[[Plan], Json]
    refusals: Callable[[Plan], list[str]]
    preflight: Callable[[Plan], list[str]]
    unshapable: Callable[[Iterable[Shape]], list[str]]
    tunnels_fix: str
    seconds: float = 120.0
