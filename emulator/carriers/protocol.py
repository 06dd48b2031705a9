"""`Carrier`: calls functions on other machines. All that stands above it knows no library that carries.

A function on a worker is named "module:function" and called as `function(call, arguments, data)`. Arguments
and answers are plain data (`emulator.tasks`) and bytes, never pickled objects of ours: both machines only
need the same release. What lasts is in the kernel and the records of the workers, so a call that is carried
out twice must do its work once (an operation id in its arguments).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from emulator.errors import EmulationError
from emulator.tasks import Plain

WorkerProgress = Callable[[str, Plain], None]
"""Called with (worker, what the function on it told), in the thread that waits for the answers."""


class Answer(NamedTuple):
    """What a function on a worker returns."""

    value: Plain = None
    data: bytes = b""


@dataclass(frozen=True)
class Call:
    """A call of `entry` ("module:function") on `worker`.

    With `own_process` it runs in a process of its own, which signals can end and which outlives the worker's;
    without, in a thread of the worker's process, within milliseconds.
    """

    worker: str
    entry: str
    arguments: Mapping[str, Plain] = field(default_factory=dict)
    data: bytes = b""
    own_process: bool = False


@dataclass(frozen=True)
class Outcome:
    """Answer to one call, or the error that ended it: the function's own, or `LostWorkerError`."""

    worker: str
    answer: Answer | None = None
    error: EmulationError | None = None


@dataclass(frozen=True)
class WorkerState:
    """A worker as its carrier sees it: `address` for people, `release` of this program there.

    `heard` is the number of seconds since it last spoke. `certificate_end` is the end of its certificate's
    validity in seconds since 1970, None without certificates. `memory` is what the worker may use, in bytes;
    0 if it doesn't say.
    """

    name: str
    address: str
    release: str = ""
    heard: float = 0.0
    certificate_end: float | None = None
    memory: int = 0


class RunningCall(Protocol):
    """What a function on a worker knows of its call."""

    @property
    def worker(self) -> str:
        """Name of the worker that it runs on."""
        ...

    def tell(self, progress: Plain) -> None:
        """Tell the caller how far it is."""
        ...

    @property
    def is_cancelled(self) -> bool:
        """True once nobody waits for the answer any more."""
        ...


class Carrier(Protocol):
    """A connection to the workers of one cluster: a context manager. Several may be open at once."""

    @property
    def address(self) -> str:
        """Where the cluster is, as given by the user: `tls://head:8786`."""
        ...

    def workers(self) -> Mapping[str, WorkerState]:
        """Return the workers that can be called now, by name; UnableError without the cluster."""
        ...

    def call(
        self, calls: Sequence[Call], seconds: float, progress: WorkerProgress | None = None
    ) -> list[Outcome]:
        """Carry out calls at the same time; return the outcome of each, in their order.

        It returns at the latest after `seconds`: a call without an answer then has an error that says so, and
        is cancelled. Ctrl-C cancels all. A lost worker is an outcome, not an exception.
        """
        ...

    def close(self) -> None:
        """Close the connection; calls that run are cancelled."""
        ...

    def __enter__(self) -> Self:
        """Use it."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        ...
