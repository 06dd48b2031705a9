"""Engines by name, from the table in `topologies/engines.py`; each is imported on first use."""

from __future__ import annotations

from pkgutil import resolve_name

from emulator.errors import EmulationError, UsageError
from emulator.network import Engine, Network, Progress, silent
from emulator.state import NetworkState, state_root
from topologies.engines import ENGINES
from topologies.suggestions import nearest


def engine_named(name: str) -> Engine:
    """Return the engine `name`; UsageError when there is none."""
    row = ENGINES.get(name)
    if row is None:
        raise UsageError(f"there is no engine `{name}`; {nearest(name, ENGINES)}")
    engine: Engine = resolve_name(row.target)()
    return engine


def attach(name: str) -> Network:
    """Return the running network `name`, from the engine in its record."""
    record = NetworkState(state_root(), name).read()
    return engine_named(record.engine).attach(name)


def take_down(name: str, progress: Progress = silent) -> None:
    """Take the network `name` down, even when its record is damaged or missing.

    Without a known engine, this removes everything that any engine on this machine could have created.
    """
    try:
        engine = engine_named(NetworkState(state_root(), name).read().engine)
    except EmulationError:
        from emulator.engines import store

        store.take_down(NetworkState(state_root(), name), progress)
    else:
        engine.take_down(name, progress)
