"""The engines by name."""

from __future__ import annotations

from emulator.errors import EmulationError, UsageError
from emulator.network import Engine, Network, Progress, silent
from emulator.state import NetworkState, state_root
from topologies.suggestions import nearest

NAMES = ("netns", "mininet", "dry-run")


def engine_named(name: str) -> Engine:
    """Return the engine called `name`; UsageError when there is none."""
    if name == "netns":
        from emulator.engines.netns import NetnsEngine

        return NetnsEngine()
    if name == "mininet":
        from emulator.engines.mininet import MininetEngine

        return MininetEngine()
    if name == "dry-run":
        from emulator.engines.dry_run import DryRunEngine

        return DryRunEngine()
    raise UsageError(f"there is no engine `{name}`; {nearest(name, NAMES)}")


def attach(name: str) -> Network:
    """Return the running network `name`, by the engine that its record names."""
    record = NetworkState(state_root(), name).read()
    return engine_named(record.engine).attach(name)


def take_down(name: str, progress: Progress = silent) -> None:
    """Take the network `name` down, even when its record is damaged or gone."""
    state = NetworkState(state_root(), name)
    try:
        engine = state.read().engine
    except EmulationError:
        engine = "netns"  # its way removes whatever could be there
    if engine == "dry-run":
        with state.locked("down"):
            state.remove()
        return
    from emulator.engines.netns import take_down as netns_take_down

    netns_take_down(state, progress)
