"""Pings by `Access.ping`, a round at a time: for engines that have no sockets (a dry run)."""

from __future__ import annotations

from emulator.access import Access, Echo
from emulator.errors import EmulationError
from stress.probes.asker import Clock, create_tracks
from stress.probes.specs import ResolvedProbe
from topologies.names import Names


class BatchAsker:
    """Probe that pings all pairs of one spec at once, once per interval."""

    blocks = True
    waits = False

    def __init__(self, spec: ResolvedProbe, names: Names, access: Access, clock: Clock) -> None:
        self._spec = spec
        self._access = access
        self._clock = clock
        self._echoes = [Echo(pair.source, pair.address) for pair in spec.pairs]
        self._next = clock()
        self.tracks = create_tracks(spec, names)
        self.pace = spec.interval

    def step(self, now: float) -> None:
        """Send the pings when they are due, and read the answers."""
        if now < self._next:
            return
        self._next = max(self._next + self._spec.interval, now)
        sent = self._clock()
        try:
            times = self._access.ping(self._echoes, self._spec.timeout)
        except (OSError, EmulationError):
            times = [None] * len(self._echoes)
        for track, seconds in zip(self.tracks, times, strict=True):
            track.whole(sent, None if seconds is None else sent + seconds)

    def finish(self, now: float) -> None:
        """Nothing to read: each step reads all answers of its round."""

    def close(self) -> None:
        """Nothing to close."""
