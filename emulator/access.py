"""Access to the nodes of a running network, divided into capabilities that an engine may lack.

Callers check first (`supports`). An agent on another machine can implement everything except the two methods
that need this process's terminal (`interact`, `open_console`). Arguments and answers are plain data, and a
recording is bytes written into a file; no socket and no process is passed.
Work that needs sockets or processes is a `Task` (`emulator.tasks`): its code runs where the nodes are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from emulator.commands import Heard, RunsCommands
from emulator.parts import RunsParts
from emulator.tasks import RunningTask, Task


class Capability(StrEnum):
    """A kind of access to nodes; the value completes "the engine can't …"."""

    COMMANDS = "run commands in nodes"
    TERMINAL = "open a terminal in a node"
    PING = "ping from nodes"
    CAPTURE = "record packets"
    TASKS = "open sockets in nodes"
    CONSOLE = "open a command line of its own"


@dataclass(frozen=True)
class Echo:
    """A reachability probe: `target` (an address), sent from node `source`.

    If no answer is expected, a missing one doesn't slow down the check.
    """

    source: int
    target: str
    expected: bool = True


@dataclass(frozen=True)
class CaptureRequest:
    """Packets to record: those of `interface` that match `filter`, until `count` or `seconds`."""

    interface: str
    count: int | None = None
    seconds: float | None = None
    filter: str | None = None


@dataclass(frozen=True)
class CaptureResult:
    """Packets recorded, and `dropped` for arriving too fast. None means that tcpdump didn't report it."""

    packets: int | None
    dropped: int | None


class BinaryWriter(Protocol):
    """File of any kind that takes bytes; `write` takes all of them. It needs no descriptor."""

    def write(self, data: bytes, /) -> object:
        """Write `data`."""
        ...

    def flush(self) -> object:
        """Pass on what is buffered."""
        ...


class LineShell(Protocol):
    """Runs lines of a shell in one node, with this process's terminal."""

    def run(self, line: str) -> int:
        """Run a line and return its exit code."""
        ...

    def lasts(self) -> bool:
        """Return whether the next line finds what earlier ones left; False if the shell has ended."""
        ...

    def close(self) -> None:
        """End it; jobs in the background run on."""
        ...


class Access(RunsCommands, Protocol):
    """Access to the nodes of one network. A method whose capability is missing raises UnableError."""

    @property
    def places(self) -> RunsParts | None:
        """The workers that run parts of work beside their nodes; None where this process does all."""
        ...

    def supports(self, capability: Capability) -> bool:
        """Return whether the engine has `capability`."""
        ...

    def stream(
        self, nodes: Sequence[int], argv: Sequence[str], heard: Heard, timeout: float | None = None
    ) -> Sequence[int]:
        """Run a command in each of `nodes`, and give its output to `heard`; return the exit codes, in order.

        Lines come while the commands run, from several threads; where an engine can't, they come at the end.
        """
        ...

    def interact(self, node: int, argv: Sequence[str], timeout: float | None = None) -> int:
        """Run a command in a node with this process's terminal; return its exit code.

        After `timeout` seconds it is killed, and the exit code is 124 (`emulator.commands.TIMED_OUT`).
        """
        ...

    def line_shell(self, node: int) -> LineShell:
        """Return a shell for many lines in a node; where an engine can, one finds what another changed."""
        ...

    def ping(self, echoes: Sequence[Echo], timeout: float) -> Sequence[float | None]:
        """Return for each probe the round-trip time in seconds, or None if there was no answer."""
        ...

    def check_filter(self, expression: str | None) -> None:
        """Raise UsageError if `expression` is no pcap filter, UnableError if filters can't be used there."""
        ...

    def capture(self, node: int, request: CaptureRequest, file: BinaryWriter) -> CaptureResult:
        """Write the packets of an interface into `file` as pcap, until all are there or Ctrl-C.

        Raises the errors of `file`.
        """
        ...

    def start(self, task: Task) -> RunningTask:
        """Start a task where the nodes are; raises the entry point's errors."""
        ...

    def open_console(self) -> None:
        """Run the engine's own command line on this process's terminal until the user leaves it."""
        ...
