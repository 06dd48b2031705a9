"""What commands say and do about a stress run that goes on in a network, or that was killed in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from emulator.errors import BrokenError
from emulator.locks import BusyError, locked
from emulator.state import NetworkState, names, state_root
from emulator.stress_lock import JOURNAL, LOCK, left_over, read_journal, under_stress


def going_on(name: str) -> list[str]:
    """Return a line for people while the network `name` is under stress."""
    words = "a stress run is active: what it removed may be missing"
    return [words] if under_stress(_folder(name)) else []


def require_no_stress(name: str) -> None:
    """Refuse to change the network `name` under stress: the run would measure the change; BrokenError."""
    if under_stress(_folder(name)):
        raise BrokenError(f"a stress run is active on `{name}`; wait for its end, or stop it with Ctrl-C")


@contextmanager
def held_for_stress(name: str) -> Iterator[None]:
    """Keep other runs, and --recover, from the network `name`: each would undo what the other measures.

    BrokenError when one goes on. The kernel gives the lock back when its holder is killed.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(_folder(name) / LOCK, wait=False))
        except BusyError:
            words = f"another stress run is active on `{name}`; wait for its end, or stop it with Ctrl-C"
            raise BrokenError(words) from None
        yield


def journal_of(name: str) -> Path:
    """Return where a run notes what it will take away: beside the network's run record."""
    return _folder(name) / JOURNAL


def left_behind(name: str) -> list[str]:
    """Return what is wrong with the network `name` because a stress run was killed: a line or none."""
    return left_over(_folder(name))


def grown_beside(name: str) -> list[str]:
    """Return the networks that a killed run's ramp left beside the network `name`: they go down with it."""
    grown = read_journal(journal_of(name)).get("networks", [])
    known = names() if grown else []
    return [each for each in grown if each in known]


def _folder(name: str) -> Path:
    return NetworkState(state_root(), name).folder
