"""Parts of long work, each on the worker whose nodes it changes: it is ready, begins when told, tells, ends.

A part's entry point is "module:callable", called as `entry(network, arguments, data, control)` on the worker;
`network` is the share of that worker. It runs in a process of its own, which outlives the worker's: once
nobody waits for it any more, it restores what it changed, and ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from emulator.tasks import Places, Plain


class WorkerClock(NamedTuple):
    """How far a worker's monotonic clock is ahead of this machine's, and the largest error of that, in s."""

    ahead: float
    error: float


@dataclass(frozen=True)
class Part:
    """A part for a worker: its entry point, plain arguments and bytes."""

    worker: str
    entry: str
    arguments: Mapping[str, Plain]
    data: bytes = b""


class PartEnd(NamedTuple):
    """What a part returns: plain data and bytes."""

    value: Plain
    data: bytes = b""


class PartControl(Protocol):
    """What a part knows of who started it, on its worker."""

    @property
    def message(self) -> Plain:
        """The last message that was sent to it; None before the first."""
        ...

    @property
    def is_unwanted(self) -> bool:
        """True once nobody waits for it any more."""
        ...

    @property
    def is_lost(self) -> bool:
        """True once the network was taken down."""
        ...

    def tell(self, progress: Plain) -> None:
        """Tell how far it is."""
        ...


class RunsParts(Places, Protocol):
    """The workers of a network, as places of parts."""

    def measure_clocks(self) -> Mapping[str, WorkerClock]:
        """Measure the workers' clocks now, and return them; `clock_ahead` answers by the last measurement."""
        ...

    def run_part(self, part: Part, number: str, seconds: float, told: Callable[[Plain], None]) -> PartEnd:
        """Run a part until it ends, within `seconds`; return what it returns. `number` names it.

        `told` is called in another thread. Raises the part's error, or LostWorkerError.
        """
        ...

    def is_running(self, worker: str, number: str) -> bool:
        """Return whether a part runs on a worker, even if its call was lost; LostWorkerError without it."""
        ...

    def take_end(self, worker: str, number: str) -> PartEnd | None:
        """Return what a part left on its worker whose call was lost; None if it left nothing.

        LostWorkerError without the worker.
        """
        ...

    def send(self, worker: str, number: str, message: Mapping[str, Plain]) -> None:
        """Send a message to a running part; it replaces the one before."""
        ...
