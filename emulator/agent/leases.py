"""What calls of a client keep open on this worker between them: terminals, tasks, sessions.

Each has a number and a lease. A call renews it; when nobody has called for a while, the client was killed
or is cut off, and the thing is closed here: a session restores what it removed.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

from emulator.carriers.protocol import Answer, RunningCall
from emulator.errors import NotWholeError
from emulator.tasks import Plain

SECONDS = 30.0
"""A lease ends after so many seconds without a call."""
_LOOK_EVERY = 1.0


class Closeable(Protocol):
    """Something that is open."""

    def close(self) -> None:
        """Close it, and restore what it changed."""
        ...


class _Lease:
    def __init__(self, thing: Closeable) -> None:
        self.thing = thing
        self.renewed = time.monotonic()


Thing = TypeVar("Thing", bound=Closeable)


class Leases:
    """The open things of this process."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._open: dict[int, _Lease] = {}
        # a worker's process may start again: numbers of the former one must name nothing of the new one
        self._numbers = itertools.count(secrets.randbelow(1 << 48))
        self._lock = threading.Lock()
        self._watching = False

    def add(self, thing: Closeable) -> int:
        """Keep `thing` open, and return its number."""
        with self._lock:
            number = next(self._numbers)
            self._open[number] = _Lease(thing)
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, name="leases", daemon=True).start()
        return number

    def find(self, number: int) -> Closeable:
        """Return the thing with this number, and renew its lease; NotWholeError if it was closed."""
        with self._lock:
            lease = self._open.get(number)
            if lease is None:
                raise NotWholeError(
                    f"the worker had closed what this command kept open there: nobody called for "
                    f"{self._seconds:.0f} s, or the worker's process was started again"
                )
            lease.renewed = time.monotonic()
        return lease.thing

    def close(self, number: int) -> None:
        """Close the thing with this number; nothing when it is closed already."""
        with self._lock:
            lease = self._open.pop(number, None)
        if lease is not None:
            lease.thing.close()

    def _watch(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY)
            now = time.monotonic()
            with self._lock:
                late = [n for n, lease in self._open.items() if now - lease.renewed > self._seconds]
                if not self._open:
                    self._watching = False
                    return
            for number in late:
                self.close(number)


LEASES = Leases()
"""Those of the worker's process."""


class Kind(Generic[Thing]):
    """Finds the things of one kind among all."""

    def __init__(self, kind: type[Thing]) -> None:
        self._kind = kind

    def find(self, arguments: Mapping[str, Plain]) -> Thing:
        """Return the thing that the argument `number` names."""
        thing = LEASES.find(arguments["number"])
        if not isinstance(thing, self._kind):
            raise NotWholeError(f"number {arguments['number']} is no {self._kind.__name__} on this worker")
        return thing


def renew(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Renew the leases `numbers`; return those that are closed."""
    del call, data
    gone = []
    for number in arguments["numbers"]:
        try:
            LEASES.find(number)
        except NotWholeError:
            gone.append(number)
    return Answer(gone)


def close(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Close the things `numbers`."""
    del call, data
    for number in arguments["numbers"]:
        LEASES.close(number)
    return Answer()
