"""Tasks: long-running work of which the code runs where the nodes are, and plain data goes back and forth.

A task names its entry point, so that an agent on another machine can start the same code there. The code is
handed the `Nodes`: sockets and processes are opened by it and stay with it. An engine whose nodes are on
this machine runs the code in this process.

Plain data is None, booleans, numbers, text, lists, and dictionaries with text as keys: what JSON carries.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, Protocol, cast

from emulator.commands import RunsCommands
from topologies.names import Names

Plain = Any
"""Plain data; mypy has no type for it that callers could use without casts."""


@dataclass(frozen=True)
class Task:
    """Work to be done where the nodes are: the entry point "module:callable", and its plain arguments.

    The entry point is called with (nodes, arguments) and returns a `RunningTask`. Code that runs there
    must not keep what it is handed beyond its `stop`.
    """

    entry: str
    arguments: Mapping[str, Plain] = field(default_factory=dict)


class RunningTask(Protocol):
    """A task that was started. Answers are plain data; errors are EmulationError or OSError."""

    @property
    def failure(self) -> BaseException | None:
        """The error that ended its work before its time; known after `stop` at the latest."""
        ...

    def ask(self, request: Plain = None) -> Plain:
        """Return the task's answer to `request`; the task says which requests it knows."""
        ...

    def stop(self) -> Plain:
        """End it, close all that it opened, and return what it found. A second call does no harm."""
        ...


class Nodes(RunsCommands, Protocol):
    """The nodes of a network to code that runs on the same machine: only a task's code is handed them."""

    @property
    def names(self) -> Names:
        """Node number -> name."""
        ...

    def open_socket(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Return a socket opened inside `node`; OSError when the node isn't there."""
        ...

    def spawn(self, node: int, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a command in a node and return at once; its output goes to pipes."""
        ...


def started(task: Task, nodes: Nodes) -> RunningTask:
    """Call the task's entry point in this process; raises what that raises."""
    return cast("RunningTask", resolve_name(task.entry)(nodes, task.arguments))
