"""Order between `up` and `down` of one network on this worker, whatever is killed or late elsewhere.

A client may be killed right after it asked for a share; `down` may then arrive before the process that
creates the share has begun. So `down` writes that the network's number has ended, and a later `deploy` of
that number is refused. Both hold one lock from beginning to end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from emulator.errors import BrokenError
from emulator.locks import BusyError, is_held, locked
from emulator.state import state_root

_PAUSE = 0.05
_KEPT_SECONDS = 3600.0
"""No call is late by more than that: carriers give up much earlier."""


def lock_path(name: str) -> Path:
    """Return the path of the lock that a change of the network `name` holds here."""
    return state_root() / f".{name}.share.lock"


def is_changing(name: str) -> bool:
    """Return whether a client's `up` or `down` of the network `name` is under way here."""
    return is_held(lock_path(name))


@contextmanager
def held(name: str, seconds: float) -> Iterator[None]:
    """Hold the lock of the network `name`; BrokenError when another change takes longer than `seconds`."""
    until = time.monotonic() + seconds
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(locked(lock_path(name), wait=False))
                break
            except BusyError:
                if time.monotonic() > until:
                    words = f"another command has been changing `{name}` there for {seconds:.0f} s; try again"
                    raise BrokenError(words) from None
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            lock_path(name).unlink(missing_ok=True)


def has_ended(number: str) -> bool:
    """Return whether `down` of the network with this number was here."""
    return (_folder() / number).exists()


def end(number: str) -> None:
    """Write down that the network with this number has ended; call it inside `held`."""
    if not number.isalnum():
        raise BrokenError("a network's number is letters and digits")
    folder = _folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / number).touch()
    old = time.time() - _KEPT_SECONDS
    for path in folder.iterdir():
        if path.stat().st_mtime < old:
            path.unlink(missing_ok=True)


def _folder() -> Path:
    return state_root() / ".ended"
