"""Probe by a user's command, run in the source: exit code 0 is the right answer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from emulator.commands import RunsCommands
from emulator.errors import EmulationError
from stress.probes.asker import Clock, Turns, create_tracks
from stress.probes.specs import ResolvedProbe
from topologies.names import Names

_SIDE_BY_SIDE = 8
_SLOWEST = 0.02


class CommandAsker:
    """Probe that runs the command of one spec; a pair whose last command still runs is skipped."""

    blocks = True
    waits = True

    def __init__(self, spec: ResolvedProbe, names: Names, nodes: RunsCommands, clock: Clock) -> None:
        self._spec = spec
        self._nodes = nodes
        self._clock = clock
        self.tracks = create_tracks(spec, names)
        self.pace = min(spec.interval / 4, _SLOWEST)
        self._pool = ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(spec.pairs)), "stress-command")
        self._running: dict[int, Future[None]] = {}
        self._ended: deque[tuple[int, float, float | None]] = deque()
        self._stopped = threading.Event()
        self._turns = Turns(self.tracks, spec.interval, clock())

    def step(self, now: float) -> None:
        """Read the answers, then start the commands that are due."""
        self.finish(now)
        for probe in self._turns.due(now):
            at = probe % len(self.tracks)
            running = self._running.get(at)
            if running is None or running.done():
                self._running[at] = self._pool.submit(self._run, at)

    def finish(self, now: float) -> None:
        """Read the last answers."""
        del now
        while self._ended:
            at, sent, answered = self._ended.popleft()
            self.tracks[at].whole(sent, answered)

    def close(self) -> None:
        """Wait for running commands, and drop the waiting ones."""
        self._stopped.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, at: int) -> None:
        if self._stopped.is_set():
            return
        pair = self._spec.pairs[at]
        sent = self._clock()
        right = self._succeeds(pair.source, filled(self._spec.command, pair.address))
        self._ended.append((at, sent, self._clock() if right else None))

    def _succeeds(self, node: int, argv: Sequence[str]) -> bool:
        try:
            return not self._nodes.execute([node], argv, self._spec.timeout)[0].failed
        except (OSError, EmulationError):  # the node is removed now
            return False


def filled(command: Sequence[str], address: str) -> list[str]:
    """Return the arguments of the command with the target's address; no shell reads them."""
    return [word.replace("{target}", address) for word in command]
