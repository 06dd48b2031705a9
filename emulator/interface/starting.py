"""Start a described network: plan it, refuse what can't be done, repair after a killed stress run, deploy."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from emulator.engines.planning import planned
from emulator.engines.registry import engine_named
from emulator.errors import UnableError
from emulator.interface.recovery import Tell, recover_before_up
from emulator.interface.values import text_of
from emulator.network import Engine, Network, Progress, silent
from emulator.plan import Plan
from emulator.state import NetworkState, state_root
from emulator.under_stress import require_no_stress
from topologies.given import Description


def require_root() -> None:
    """Raise UnableError without root."""
    if os.geteuid() != 0:
        raise UnableError(f"this needs root; run the program as root: sudo {sys.executable} SCRIPT.py")


def is_closed_to_us(name: str) -> bool:
    """Return whether the network `name` is up and its folder is another user's: root's."""
    try:
        folder = NetworkState(state_root(), name).folder
        return folder.exists() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    except PermissionError:
        return True


def untold(line: str) -> None:
    """Tell nobody."""
    del line


def unseen(name: str) -> AbstractContextManager[Progress]:
    """Show nothing."""
    del name
    return nullcontext(silent)


def untimed(phase: str) -> AbstractContextManager[object]:
    """Measure nothing."""
    del phase
    return nullcontext()


@dataclass(frozen=True)
class Watch:
    """Who looks on while a network starts, and how root is got."""

    phase: Callable[[str], AbstractContextManager[object]] = untimed
    """Context of each phase: `plan`, `deploy`."""
    progress: Callable[[str], AbstractContextManager[Progress]] = unseen
    tell: Tell = untold
    root: Callable[[], None] = require_root


@dataclass(frozen=True)
class Started:
    """A network that was started, or changed."""

    network: Network
    plan: Plan
    engine: Engine
    recovered: list[str] = field(default_factory=list)
    """What a killed stress run had removed."""


def start(
    description: Description, engine: str | None = None, options: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
) -> Started:  # fmt: skip
    """Start the network of `description`; if it is up already, change only what differs.

    `engine` and its `options` win over the file's. Raises every error of planning and of the engine; before
    `deploy` nothing was made.
    """
    watch = watch or Watch()
    document, topology = description.document, description.topology
    runner = engine_named(document.spec.engine_name if engine is None else text_of(engine, "engine"))
    if runner.needs_root or is_closed_to_us(topology.name):
        watch.root()
    with watch.phase("plan"):
        plan = planned(document, topology, runner, given=options)
        runner.accept(plan)
    require_no_stress(topology.name)
    recovered = recover_before_up(topology.name, runner.name, watch.tell)
    with watch.phase("deploy"), watch.progress(topology.name) as progress:
        network = runner.deploy(plan, description.file, progress)
    return Started(network, plan, runner, recovered)
