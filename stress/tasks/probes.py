"""Probes from inside the nodes, by sockets and commands."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from emulator.tasks import Nodes
from stress.probes.asker import Asker
from stress.probes.command import CommandAsker
from stress.probes.group import ProbeGroup
from stress.probes.listen import TcpListeners
from stress.probes.ping import PingAsker, first_ident
from stress.probes.plain import plain_records, specs_of
from stress.probes.sockets import Opener
from stress.probes.specs import ResolvedProbe
from stress.probes.spread import LISTEN
from stress.probes.tcp import TcpAsker

_AT_ONCE = {"ping": 4, "tcp": 32}
"""Sockets that may be opened again per round: a tenth of a millisecond each."""


class Probes:
    """Task that sends the probes `specs` until it is stopped.

    `origin` is second 0 by this machine's monotonic clock.
    """

    def __init__(self, nodes: Nodes, arguments: dict[str, Any]) -> None:
        specs, clock = specs_of(arguments["specs"]), _clock_since(arguments["origin"])
        timeout = max((spec.timeout for spec in specs), default=0.0)
        self._group = ProbeGroup(_askers(specs, nodes, clock), timeout, clock)

    @property
    def failure(self) -> BaseException | None:
        """Error that ended a probe early."""
        return self._group.failure

    def ask(self, request: None = None) -> dict[str, int]:
        """Return the number of pairs without a correct answer now, and of probes answered so far."""
        del request
        return {"wrong": self._group.wrong(), "answered": self._group.answered()}

    def stop(self) -> dict[str, Any]:
        """Stop probing; return the records, and the CPU seconds that probing used."""
        records = self._group.stop()
        return {"records": plain_records(records), "cost": self._group.cost}


def _clock_since(origin: float) -> Callable[[], float]:
    """Return a clock of the seconds since `origin`."""
    return lambda: time.monotonic() - origin


def _askers(specs: list[ResolvedProbe], nodes: Nodes, clock: Callable[[], float]) -> list[Asker]:
    made: list[Asker] = []
    names, ident = nodes.names, first_ident()
    for spec in specs:
        if spec.kind == "command":
            made.append(CommandAsker(spec, names, nodes, clock))
        elif spec.kind == LISTEN:
            made.append(TcpListeners(spec, Opener(nodes, _AT_ONCE["tcp"]), clock))
        elif spec.kind == "tcp":
            made.append(TcpAsker(spec, names, Opener(nodes, _AT_ONCE["tcp"]), clock))
        else:
            made.append(PingAsker(spec, names, Opener(nodes, _AT_ONCE["ping"]), clock, ident))
            ident += len(spec.pairs)
    return made
