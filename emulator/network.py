"""`Network`: the handle that the command line, the checks and the stress runner hold.

Engines return it from `deploy` and `attach`; callers are independent of the engine. It covers the
network's lifecycle and state. Access to its nodes is separate (`emulator.access`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from emulator.access import Access
from emulator.deviation import Deviation
from emulator.plan import Plan
from topologies.profiles import Shape
from topologies.topology import I64, Topology

Progress = Callable[[str, int, int], None]
"""Called with (phase, done, total) repeatedly."""


def silent(phase: str, done: int, total: int) -> None:
    """Ignore progress."""
    del phase, done, total


@dataclass
class LinkState:
    """Changes to a running link: None is "as in the file"."""

    up: bool = True
    forward: Shape | None = None
    backward: Shape | None = None

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """Return the state from plain data, the output of `asdict`."""
        shapes = (Shape(**plain[way]) if plain[way] else None for way in ("forward", "backward"))
        return cls(bool(plain["up"]), *shapes)


@dataclass(frozen=True)
class Health:
    """State of a network that should be running, as found by its engine."""

    running: bool
    nodes: int = 0
    problems: tuple[str, ...] = ()
    details: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """Notes for people about a running network: for example a remote controller that doesn't answer."""


class Session(Protocol):
    """Many quick changes to a running network, for one thread: a context manager.

    It remembers what it removed, and restores it on exit. Each method raises EmulationError when the kernel
    or the engine refuses. Sessions of one network may run side by side in several threads, as long as only
    one of them changes each node and link.
    """

    def __enter__(self) -> Self:
        """Begin: only the calling thread may use the session."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore everything."""
        ...

    def prepare(self, ports: Iterable[tuple[int, int]]) -> None:
        """Prepare changes of `ports` (node, port), so that the first ones are as quick as the rest."""
        ...

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Bring a port down or up."""
        ...

    def remove_link(self, link: int) -> None:
        """Delete a link: the ports at both ends vanish."""
        ...

    def add_link(self, link: int) -> None:
        """Create a removed link again, as it was."""
        ...

    def remove_node(self, node: int) -> None:
        """Remove a node with its links, and end its processes."""
        ...

    def add_node(self, node: int) -> None:
        """Create a removed node again, with its links to existing nodes."""
        ...

    def move_port(self, node: int, host: int) -> None:
        """Move a light port to another compute host, or back."""
        ...

    def announce_port(self, node: int, host: int | None) -> None:
        """Lead what is sent to a light port to another compute host, where it is lost; None: to the port."""
        ...

    def set_ports(self, nodes: I64, *, up: bool) -> None:
        """Bring the ports of many light nodes (int64[k], each once) down or up."""
        ...

    def remove_ports(self, nodes: I64) -> None:
        """Remove many light nodes (int64[k], each once) with their ports."""
        ...

    def add_ports(self, nodes: I64) -> None:
        """Create many removed light nodes (int64[k], each once) again."""
        ...

    def remove_links(self, links: I64) -> None:
        """Delete the links of many light nodes (int64[k], each once), with their ports."""
        ...

    def add_links(self, links: I64) -> None:
        """Create many deleted links of light nodes (int64[k], each once) again."""
        ...

    def set_controller(self, name: str, *, up: bool) -> None:
        """Stop a controller of the switches, or start it again; a remote one is cut off."""
        ...

    def restore(self) -> list[str]:
        """Restore everything that was removed; return the names."""
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
        """The running graph."""
        ...

    @property
    def changes(self) -> tuple[str, ...] | None:
        """Changes by the `deploy` that returned this handle, one line each; None if it created everything."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes of the `deploy` that returned this handle, one line each: choices, warnings."""
        ...

    def follow_links(self) -> None:
        """Learn of the links that other processes have changed meanwhile; UsageError if it isn't up."""
        ...

    @property
    def link_changes(self) -> Mapping[int, LinkState]:
        """Changes to links since `up`, by link index."""
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

    def describe(self, node: int) -> Mapping[str, Any]:
        """Return facts of a node as JSON data: kind, links, addresses; of a light port also its state."""
        ...

    def migrate(self, node: int, host: int) -> None:
        """Move a light port to another compute host; address and MAC stay. UsageError, RefusedError."""
        ...

    def health(self) -> Health:
        """Check whether everything exists."""
        ...

    def set_link(self, link: int, state: LinkState) -> None:
        """Change a running link to `state`."""
        ...

    def set_links(self, wanted: Mapping[int, LinkState]) -> None:
        """Change running links at once."""
        ...

    def session(self) -> Session:
        """Return a session for many quick changes."""
        ...

    def deviations(self) -> Sequence[Deviation]:
        """Compare the network with the file and the changes of links; return deviations."""
        ...

    def repair(self) -> list[str]:
        """Repair deviations from the wanted state, and return them."""
        ...

    def down(self, progress: Progress = silent) -> None:
        """Remove the network; return when the kernel has released everything."""
        ...


class Engine(Protocol):
    """Turns plans into running networks."""

    @property
    def name(self) -> str:
        """The engine's name, as files write it."""
        ...

    @property
    def needs_root(self) -> bool:
        """True when `deploy` must be run as root."""
        ...

    def accept(self, plan: Plan) -> None:
        """Raise RefusedError with every reason why this engine can't carry out `plan` on this machine."""
        ...

    def deploy(self, plan: Plan, file: str = "", progress: Progress = silent) -> Network:
        """Create the network of `plan`, or change the running one; on failure nothing new is left."""
        ...

    def attach(self, name: str) -> Network:
        """Return the running network `name`."""
        ...

    def take_down(self, name: str, progress: Progress = silent) -> None:
        """Remove all of the network `name`, in any state; return when it is gone. May be called twice."""
        ...
