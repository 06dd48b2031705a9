"""What a client keeps open on workers between calls: it tells them that it lives, until it closes all."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress

from emulator.engines.cluster.calls import QUICK_SECONDS, Workers
from emulator.errors import EmulationError

_RENEW_EVERY = 8.0
"""Seconds between two calls that tell the workers that this client lives: `emulator.agent.leases`."""


class Leased:
    """Open things, one a worker: worker -> its number there (`emulator.agent.leases`)."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.numbers: dict[str, int] = {}
        self._over = threading.Event()
        self._renewal: threading.Thread | None = None

    def add(self, numbers: Mapping[str, int]) -> None:
        """Keep these open from now on."""
        self.numbers |= numbers
        if self._renewal is None:
            self._renewal = threading.Thread(target=self._renew, name="renew leases", daemon=True)
            self._renewal.start()

    def end(self) -> None:
        """Renew nothing any more."""
        self._over.set()
        if self._renewal is not None:
            self._renewal.join()

    def close(self, seconds: float) -> None:
        """Close everything within `seconds`; the lease of a worker that doesn't answer ends by itself."""
        self.end()
        each = {name: {"numbers": [number]} for name, number in self.numbers.items()}
        with suppress(EmulationError):
            self._workers.ask("emulator.agent.leases:close", each, seconds)

    def _renew(self) -> None:
        while not self._over.wait(_RENEW_EVERY):
            each = {name: {"numbers": [number]} for name, number in list(self.numbers.items())}
            with suppress(EmulationError):  # the next call says what is wrong
                self._workers.ask("emulator.agent.leases:renew", each, QUICK_SECONDS)
