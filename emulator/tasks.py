"""Tasks: long-running work whose code runs where the nodes are; only plain data goes back and forth.

A task names its entry point, so that an agent on another machine can start the same code there. The code
gets the `Nodes`: it opens sockets and processes, which stay with it. An engine whose nodes are on this
machine runs the code in this process.

Plain data is None, booleans, numbers, text, lists, and dictionaries with text as keys: what JSON carries.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from emulator.commands import RunsCommands
from topologies.names import Names

Plain = Any
"""Plain data; mypy has no type for it that callers could use without casts."""


class Places(Protocol):
    """Where the nodes of a network are, if they are on several machines: its workers."""

    @property
    def workers(self) -> Sequence[str]:
        """Names of the workers that have nodes."""
        ...

    def worker_of(self, node: int) -> str:
        """Return the name of the worker that a node is on."""
        ...

    def clock_ahead(self, worker: str) -> float:
        """Return how far a worker's monotonic clock is ahead of this machine's, in seconds."""
        ...


class Spread(Protocol):
    """How a task is divided where nodes are on several workers: a part on each, of the same entry point."""

    def arguments(self, whole: Mapping[str, Plain], places: Places) -> Mapping[str, Mapping[str, Plain]]:
        """Return the arguments of the part of each worker that has one."""
        ...

    def requests(self, request: Plain, places: Places) -> Mapping[str, Plain]:
        """Return the request to each worker that it concerns; those without a part are skipped."""
        ...

    def joined(self, request: Plain, answers: Mapping[str, Plain]) -> Plain:
        """Return the answer to `request` from those of the parts, by worker."""
        ...

    def results(self, parts: Mapping[str, Plain]) -> Plain:
        """Return the results of the whole task from those of the parts, by worker."""
        ...


@dataclass(frozen=True)
class Task:
    """Work to do where the nodes are: the entry point "module:callable", and its plain arguments.

    The entry point is called with (nodes, arguments) and returns a `RunningTask`. Its code must not keep the
    nodes beyond `stop`. `spread` divides it where nodes are on several workers; it stays with the caller.
    """

    entry: str
    arguments: Mapping[str, Plain] = field(default_factory=dict)
    spread: Spread | None = None


class RunningTask(Protocol):
    """A started task. Answers are plain data; errors are EmulationError or OSError."""

    @property
    def failure(self) -> BaseException | None:
        """Error that ended its work early; known after `stop` at the latest."""
        ...

    def ask(self, request: Plain = None) -> Plain:
        """Return the task's answer to `request`; each task defines its requests."""
        ...

    def stop(self) -> Plain:
        """End it, close everything that it opened, and return its results. May be called twice."""
        ...


class LightPorts(Protocol):
    """The open light ports of a running network: rows in the order of the light nodes, the last ones."""

    def where(self, node: int) -> int:
        """Return a number that changes when the light port moves to another compute host; 0: it is gone."""
        ...

    def open_socket(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Return a socket opened where the light port is now; OSError when it is gone."""
        ...

    def vpcs(self) -> npt.NDArray[np.int64]:
        """Return the VPC of each port: int64[k]."""
        ...

    def hosts(self, first: int, end: int) -> npt.NDArray[np.int32]:
        """Return the compute hosts of the rows from `first` to `end` now, -1 without a port: int32[n]."""
        ...

    def counters(self, first: int, end: int) -> npt.NDArray[np.uint64]:
        """Return counters of the rows from `first` to `end`, as `PORT_COUNTERS` names them: uint64[n, 5]."""
        ...

    def close(self) -> None:
        """Close them."""
        ...


PORT_COUNTERS = ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "dropped")
"""Counters of a light port, since it was made: IPv4 packets and their bytes."""


class Nodes(RunsCommands, Protocol):
    """The nodes of a network, for a task's code on the same machine."""

    @property
    def names(self) -> Names:
        """Node number -> name."""
        ...

    def open_socket(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """Return a socket opened inside `node`; OSError when the node doesn't exist."""
        ...

    def identity(self, node: int) -> str:
        """Return the address that a node's sockets must be bound to; empty when any will do.

        Light ports share the namespace of their compute host: there, the address tells them apart.
        """
        ...

    def light_ports(self) -> LightPorts | None:
        """Open the light ports of the network; None when it has none. The caller closes them."""
        ...

    def spawn(self, node: int, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a command in a node and return at once; its output goes to pipes."""
        ...

    def processes(self) -> Sequence[int]:
        """Return the ids of the processes in nodes or for their switches, without the calling one."""
        ...


def started(task: Task, nodes: Nodes) -> RunningTask:
    """Call the task's entry point in this process; raises the entry point's errors."""
    return cast("RunningTask", resolve_name(task.entry)(nodes, task.arguments))
