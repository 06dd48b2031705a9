"""Remove a network on workers: by its driver, or by a new one if the driver is dead."""

from __future__ import annotations

from emulator.engines.freeing_record import freeing_record
from emulator.engines.remote.document import document
from emulator.engines.remote.driver import (
    CLEANING,
    DRIVER,
    OPENED,
    datapath_of,
    driver_of,
    end,
    process_of,
    start_driver,
)
from emulator.engines.remote.program import RemoteProgram
from emulator.errors import BrokenError, EmulationError
from emulator.linux.processes.interrupts import deferred
from emulator.network import Progress
from emulator.state import NetworkState, Record

_SECONDS = 600.0
"""Time limit for removing everything from the workers."""


def take_down(state: NetworkState, program: RemoteProgram, progress: Progress) -> None:
    """Remove everything of the network, whatever state it is in; BrokenError for what is left."""
    with state.locked("down"), deferred():
        remove(state, program, progress)


def remove(state: NetworkState, program: RemoteProgram, progress: Progress) -> None:
    """Have the workers freed, then remove the record; the caller holds the lock.

    The record stays when the workers could not be freed, so that `down` can be repeated.
    """
    if not state.exists:
        return
    progress("workers", 0, 1)
    record = freeing_record(state)
    if record is None:
        return
    left = _freed(state, record, program) if DRIVER in record.options else []
    end(process_of(record))
    if left:
        raise BrokenError(f"{'; '.join(left)}; then `emulator down {state.name}` again")
    state.remove()


def _freed(state: NetworkState, record: Record, program: RemoteProgram) -> list[str]:
    """Have the workers freed; return words on what could not be removed.

    A driver that lives may be that of an interrupted clean-up: it has no network that it could stop.
    """
    driver, opened = driver_of(state, record, program), OPENED in record.options
    if driver.alive and opened and CLEANING not in record.options:
        try:
            driver.ask(("stop", {}), seconds=_SECONDS)
        except EmulationError:
            pass
        else:
            return []
    end(process_of(record))
    try:
        plan = state.load_plan(record, state.load())
        made = document(plan, datapath_of(record), *(() if opened else ((), ())))
        step = {"settings": program.settings(plan), "document": made}
        record.options[CLEANING] = True
        (left,) = start_driver(plan, state, record, program).ask(("clean", step), seconds=_SECONDS)
    except EmulationError as error:
        return [f"the workers of `{state.name}` could not be freed: {error}"]
    return list(left)
