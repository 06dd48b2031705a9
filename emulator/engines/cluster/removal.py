"""Remove a network from its workers, in any state; say which could not be reached, and keep the record."""

from __future__ import annotations

from emulator.engines.cluster.connection import workers_of
from emulator.engines.cluster.shares import LEFT, LOCK_SECONDS, NUMBER, USED
from emulator.engines.freeing_record import freeing_record
from emulator.errors import BrokenError, EmulationError
from emulator.linux.processes.interrupts import deferred
from emulator.network import Progress
from emulator.state import NetworkState, Record
from topologies.counting import counted

_SECONDS = 600.0
"""Time limit for a worker to remove its share: a kernel destroys some thousand namespaces a second."""


def take_down(state: NetworkState, progress: Progress) -> None:
    """Remove everything of the network from all workers; BrokenError for what is left."""
    with state.locked("down"), deferred():
        remove(state, progress)


def remove(state: NetworkState, progress: Progress) -> None:
    """Have the workers freed, then remove the record; the caller holds the lock.

    The record stays when a worker could not be freed, so that `down` can be repeated.
    """
    if not state.exists:
        return
    progress("workers", 0, 1)
    record = freeing_record(state)
    if record is None:
        return
    if left := freed(state, record):
        raise BrokenError(left)
    state.remove()


def freed(state: NetworkState, record: Record) -> str:
    """Have all workers of the record freed at once; return words on those that could not be, or nothing."""
    names = tuple(record.options.get(USED, ()))
    if not names:
        return ""
    again = f"a supervised worker is back within seconds; then `emulator down {state.name}` again"
    never = f"a worker that never returns: remove {state.folder} by hand"
    try:
        workers = workers_of(record.plan_options, record.name, names, record.options[NUMBER])
        arguments = {"seconds": LOCK_SECONDS}
        outcomes = workers.outcomes(
            "emulator.agent.lifecycle:down", dict.fromkeys(names, arguments), _SECONDS, own_process=True
        )
    except EmulationError as error:
        return f"the workers of `{state.name}` could not be freed: {error}; {again} ({never})"
    left = {name: str(one.error) for name, one in outcomes.items() if one.error is not None}
    record.options[USED] = [name for name in names if name in left]
    record.options[LEFT] = left
    state.write(record)
    if not left:
        return ""
    words = "; ".join(f"{name}: {why}" for name, why in left.items())
    return f"{counted(len(left), 'worker')} could not be freed: {words}; {again} ({never})"
