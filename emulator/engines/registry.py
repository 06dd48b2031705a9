"""Engines by name, from the table in `topologies/engines.py`; each is imported on first use."""

from __future__ import annotations

from pkgutil import resolve_name

from emulator.errors import BrokenError, EmulationError, UsageError
from emulator.garbage import no_collection
from emulator.network import Engine, Network, Progress, silent
from emulator.state import NetworkState, state_root
from topologies.engines import ENGINES
from topologies.suggestions import nearest


def engine_named(name: str) -> Engine:
    """Return the engine `name`; UsageError when there is none."""
    row = ENGINES.get(name)
    if row is None:
        raise UsageError(f"there is no engine `{name}`; {nearest(name, ENGINES)}")
    with no_collection():
        engine: Engine = resolve_name(row.target)()
    return engine


def attach(name: str) -> Network:
    """Return the running network `name`, from the engine in its record."""
    record = NetworkState(state_root(), name).read()
    return engine_named(record.engine).attach(name)


def take_down(name: str, progress: Progress = silent) -> None:
    """Take the network `name` down, even when its record is damaged or missing.

    Without a known engine, this removes everything that any engine on this machine could have created.
    BrokenError where other machines may hold its nodes: without the record, nobody knows which.
    """
    state = NetworkState(state_root(), name)
    try:
        engine = engine_named(state.read().engine)
    except EmulationError as error:
        from emulator.engines import store
        from emulator.engines.remote.driver import paths_of

        if state.record_path.exists() and paths_of(state).folder.exists():
            raise BrokenError(
                f"{error}; workers may hold its nodes: free them by hand, then remove {state.folder}"
            ) from error
        store.take_down(state, progress)
    else:
        engine.take_down(name, progress)
