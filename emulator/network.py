"""`Network`: the one handle that the command line, the checks and the stress runner hold.

An engine gives it by `deploy` and by `attach`; callers are independent of the engine. It is the network's
life and state; access to its nodes is a part of its own (`emulator.access`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from emulator.access import Access
from emulator.deviation import Deviation
from emulator.plan import Plan
from topologies.profiles import Shape
from topologies.topology import Topology

Progress = Callable[[str, int, int], None]
"""Called with (phase, done, total) now and then."""


def silent(phase: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
    del phase, done, total


@dataclass
class LinkState:
    """What was changed on a running link: None is "as the file says"."""

    up: bool = True
    forward: Shape | None = None
    backward: Shape | None = None


@dataclass(frozen=True)
class Health:
    """What an engine finds of a network that should be running."""

    running: bool
    nodes: int = 0
    problems: tuple[str, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What people should know of a network that runs: a controller elsewhere that doesn't answer."""


class Session(Protocol):
    """Many quick changes to a running network, for one thread: a context manager.

    It remembers what it took away and gives it back when it is left. Each method raises
    EmulationError when the kernel or the engine refuses. Sessions of one network may run side by
    side in several threads, as long as each node and link is changed by one of them only.
    """

    def __enter__(self) -> Self:
        """Begin: the calling thread is the one that uses the session."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give everything back."""
        ...

    def prepare(self, ports: Iterable[tuple[int, int]]) -> None:
        """Make ready for changes of `ports` (node, port), so that the first ones are as quick as the rest."""
        ...

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Bring a port down or up."""
        ...

    def remove_link(self, link: int) -> None:
        """Delete a link: the ports at both ends vanish."""
        ...

    def add_link(self, link: int) -> None:
        """Make a link that was removed, as it was."""
        ...

    def remove_node(self, node: int) -> None:
        """Remove a node with its links, and end what runs in it."""
        ...

    def add_node(self, node: int) -> None:
        """Make a node that was removed, with its links to the nodes that are there."""
        ...

    def set_controller(self, name: str, *, up: bool) -> None:
        """Stop a controller of the switches, or start it again; one that runs elsewhere is cut off."""
        ...

    def restore(self) -> list[str]:
        """Give back all that was taken away; return the names of what was given back."""
        ...


class Network(Protocol):
    """A running network."""

    @property
    def name(self) -> str:
        """The network's name."""
        ...

    @property
    def engine(self) -> str:
        """The engine's name."""
        ...

    @property
    def topology(self) -> Topology:
        """The graph that runs."""
        ...

    @property
    def changes(self) -> tuple[str, ...] | None:
        """What the `deploy` that gave this handle changed, a line each; None when it made all anew."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know of the `deploy` that gave this handle, a line each: choices, warnings."""
        ...

    @property
    def links(self) -> Mapping[int, LinkState]:
        """What was changed on links since `up`, by link index."""
        ...

    @property
    def controllers(self) -> Sequence[str]:
        """Names of the controllers of its switches, from c0 on."""
        ...

    @property
    def access(self) -> Access:
        """Access to its nodes: commands, pings, recordings, tasks; always the same object."""
        ...

    def addresses(self, node: int) -> Sequence[str]:
        """Return the addresses of a node, without prefix lengths."""
        ...

    def health(self) -> Health:
        """Look whether everything is there."""
        ...

    def set_link(self, link: int, state: LinkState) -> None:
        """Make a running link be as `state` says."""
        ...

    def session(self) -> Session:
        """Return a session for many quick changes."""
        ...

    def deviations(self) -> Sequence[Deviation]:
        """Compare what runs with what the file and the changes of links want; return what differs."""
        ...

    def repair(self) -> list[str]:
        """Give back what differs from what is wanted, and return what it was."""
        ...

    def processes(self) -> Sequence[int]:
        """Return the processes that run in it, in nodes or for its switches; not the one that asks."""
        ...

    def down(self, progress: Progress = silent) -> None:
        """Take the network down; return when the kernel has let go."""
        ...


class Engine(Protocol):
    """Turns plans into running networks."""

    @property
    def name(self) -> str:
        """The engine's name, as files write it."""
        ...

    @property
    def needs_root(self) -> bool:
        """Whether `deploy` must be run as root."""
        ...

    def accept(self, plan: Plan) -> None:
        """Raise RefusedError with every reason why this engine can't carry `plan` out here."""
        ...

    def deploy(self, plan: Plan, file: str = "", progress: Progress = silent) -> Network:
        """Make the network of `plan`, or change the one that is up; on failure nothing new is left."""
        ...

    def attach(self, name: str) -> Network:
        """Return the network `name` that runs."""
        ...

    def take_down(self, name: str, progress: Progress = silent) -> None:
        """Remove all of the network `name`, in whatever state; return when it is gone. Twice is fine."""
        ...
