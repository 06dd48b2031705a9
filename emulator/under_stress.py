"""Protect networks under stress, and report runs that are active or were killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from emulator.errors import BrokenError
from emulator.locks import BusyError, locked
from emulator.state import NetworkState, names, state_root
from emulator.stress_lock import JOURNAL, LOCK, left_over, read_journal, under_stress, unfinished


def going_on(name: str) -> list[str]:
    """Return a line for people while the network `name` is under stress."""
    words = "a stress run is active: what it removed may be missing"
    return [words] if under_stress(_folder(name)) else []


def require_no_stress(name: str) -> None:
    """Raise BrokenError if the network `name` is under stress: the run would measure the change."""
    if under_stress(_folder(name)):
        raise BrokenError(f"a stress run is active on `{name}`; wait for its end, or stop it with Ctrl-C")


@contextmanager
def held_for_stress(name: str) -> Iterator[None]:
    """Keep other runs, and --recover, off the network `name`: each would undo what the other measures.

    BrokenError if a run is active. The kernel releases the lock when its holder is killed.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(_folder(name) / LOCK, wait=False))
        except BusyError:
            words = f"another stress run is active on `{name}`; wait for its end, or stop it with Ctrl-C"
            raise BrokenError(words) from None
        yield


def journal_of(name: str) -> Path:
    """Return the file where a run writes what it will remove: beside the network's run record."""
    return _folder(name) / JOURNAL


def require_restored(name: str) -> None:
    """Refuse the network `name` while changes of another run are left in it; the caller holds the lock."""
    if journal_of(name).exists():
        raise BrokenError(unfinished(name))


def left_behind(name: str) -> list[str]:
    """Return what a killed stress run left wrong in the network `name`: one line or none."""
    return left_over(_folder(name))


def grown_beside(name: str) -> list[str]:
    """Return networks that a killed run's ramp left beside the network `name`: they go down with it."""
    grown = read_journal(journal_of(name)).get("networks", [])
    known = names() if grown else []
    return [each for each in grown if each in known]


def _folder(name: str) -> Path:
    return NetworkState(state_root(), name).folder
