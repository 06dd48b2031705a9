"""Probes: questions asked all the time, to find out when the network answers and when it doesn't."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from emulator.errors import UnableError
from emulator.network import Network
from stress.probes.asker import Asker
from stress.probes.batch import BatchAsker
from stress.probes.command import CommandAsker
from stress.probes.ping import PingAsker, first_ident
from stress.probes.sockets import Opener
from stress.probes.specs import ProbeKeys, Spec, resolve
from stress.probes.tcp import TcpAsker
from stress.records import ProbeRecord

__all__ = ["ProbeGroup", "ProbeKeys", "Spec", "resolve", "start_probes"]

_GRACE = 1.0
"""Seconds to wait at the end for answers that are on their way."""
_NICE = -10
"""What measures a machine goes before what keeps it busy; commands would inherit it."""
_QUICK = (PingAsker, TcpAsker)
_AT_ONCE = {"ping": 4, "tcp": 32}
"""Sockets that may be opened anew at each look: a tenth of a millisecond each."""


class ProbeGroup:
    """All probes of a run, looked after by one thread (and one for those that block)."""

    def __init__(self, network: Network, specs: Sequence[Spec], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._cost = 0.0
        self._askers = _made(network, specs, clock)
        self._wait = min(_GRACE, max((spec.timeout for spec in specs), default=0.0))
        quick = [asker for asker in self._askers if isinstance(asker, _QUICK)]
        blocking = [asker for asker in self._askers if not isinstance(asker, _QUICK)]
        self._threads = [
            threading.Thread(target=self._look_after, args=(some,), name="stress-probes", daemon=True)
            for some in (quick, *([one] for one in blocking)) if some
        ]  # fmt: skip
        for thread in self._threads:
            thread.start()

    def wrong(self) -> int:
        """Return how many probes got no right answer to their last question that is settled."""
        return sum(track.wrong for asker in self._askers for track in asker.tracks)

    @property
    def cost(self) -> float:
        """CPU seconds that asking used; known after `stop`. Commands aren't counted."""
        return self._cost

    @property
    def failure(self) -> BaseException | None:
        """What ended a probe before its time."""
        return self._failure

    def stop(self) -> list[ProbeRecord]:
        """Ask nothing more, wait a moment for the last answers, and return what was found.

        Questions that are neither answered nor timed out then aren't counted. What a probe raised, and
        so ended it, is in `failure` (UnableError when the engine gives no sockets any more).
        """
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for asker in self._askers:
            asker.close()
        return [track.record for asker in self._askers for track in asker.tracks]

    def _look_after(self, askers: Sequence[Asker]) -> None:
        begin = time.thread_time()
        if isinstance(askers[0], _QUICK):
            with suppress(PermissionError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        try:
            pace = min(asker.pace for asker in askers)
            while not self._stop.wait(pace):
                for asker in askers:
                    asker.step(self._clock())
            end = self._clock() + (0.0 if isinstance(askers[0], BatchAsker) else self._wait)
            while self._clock() < end:
                time.sleep(pace)
                for asker in askers:
                    asker.finish(self._clock())
        except BaseException as error:  # noqa: BLE001 -- handed to who stops the group
            self._failure = error
        finally:
            self._cost += time.thread_time() - begin


def start_probes(
    specs: Sequence[ProbeKeys], network: Network, clock: Callable[[], float], seed: int = 0
) -> ProbeGroup:
    """Begin to ask. `clock` gives the seconds since the run began, `seed` the pairs.

    Raises ParameterError when nothing matches a probe's words, UnableError for too many sockets.
    """
    return ProbeGroup(network, resolve(specs, network, seed), clock)


def _made(network: Network, specs: Sequence[Spec], clock: Callable[[], float]) -> list[Asker]:
    made: list[Asker] = []
    names, ident = network.topology.names, first_ident()
    sockets = _gives_sockets(network, specs)
    for spec in specs:
        if spec.kind == "command":
            made.append(CommandAsker(spec, network, clock))
        elif not sockets:
            made.append(BatchAsker(spec, network, clock))
        elif spec.kind == "tcp":
            made.append(TcpAsker(spec, names, Opener(network, _AT_ONCE["tcp"]), clock))
        else:
            made.append(PingAsker(spec, names, Opener(network, _AT_ONCE["ping"]), clock, ident))
            ident += len(spec.pairs)
    return made


def _gives_sockets(network: Network, specs: Sequence[Spec]) -> bool:
    """Return whether the engine opens sockets inside nodes."""
    sources = [pair.source for spec in specs if spec.kind != "command" for pair in spec.pairs[:1]]
    if not sources:
        return False
    with suppress(OSError):
        try:
            network.open_socket(sources[0], socket.AF_INET, socket.SOCK_DGRAM).close()
        except UnableError:
            return False
    return True
