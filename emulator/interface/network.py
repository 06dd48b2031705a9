"""A running network, for scripts: `emulator.up` and `emulator.attach` return it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from emulator.checks.reachability import Reachability, check_reachability
from emulator.deviation import Deviation
from emulator.engines.registry import attach, take_down
from emulator.errors import UsageError
from emulator.interface.current import Current
from emulator.interface.ends import ExitOnSignals
from emulator.interface.finding import checked_name, find_link, found_node, matching_nodes
from emulator.interface.link import Link
from emulator.interface.node import Command, Node, Result, readable, words_of
from emulator.interface.starting import Watch, start
from emulator.interface.stress_run import StressResult, run_on
from emulator.interface.values import options_of, seconds_of, timeout_of, whole_of
from emulator.network import Network as RunningNetwork
from emulator.state import names
from emulator.under_stress import grown_beside
from topologies.given import Describes, describe

if TYPE_CHECKING:
    from topologies.topology import Topology


class Network:
    """A network that runs. Nodes and links are named; as a context manager it goes down at the end.

    That is also when SIGTERM or SIGHUP ends the script, unless the script handles them itself.

    Handles are cheap: several may hold the same network, also in other processes. Networks, nodes and links
    are asked as they are then; a node or link that has gone meanwhile is a UsageError.
    """

    def __init__(
        self, running: RunningNetwork, changes: Sequence[str] = (), notes: Sequence[str] = ()
    ) -> None:
        self._current = Current(running)
        self.changes = list(changes)
        """What `up` changed in a network that was up already, one line each."""
        self.notes = list(notes)
        """Warnings and choices of `up`, one line each."""
        self._signals = ExitOnSignals()

    def __repr__(self) -> str:
        nodes = self._current.network.topology.node_count
        return f"<network {self.name}: {nodes} nodes, engine {self.engine}>"

    @property
    def _running(self) -> RunningNetwork:
        """The network as it is now; UsageError if it isn't up any more."""
        self._current.follow()
        return self._current.network

    @property
    def name(self) -> str:
        """Its name."""
        return self._current.network.name

    @property
    def engine(self) -> str:
        """The engine that runs it."""
        return self._current.network.engine

    @property
    def topology(self) -> Topology:
        """Its graph."""
        return self._running.topology

    def __len__(self) -> int:
        return self.topology.node_count

    def __iter__(self) -> Iterator[Node]:
        return (Node(self._current, index) for index in range(self.topology.node_count))

    def __contains__(self, name: object) -> bool:
        return name in self.topology.names

    def __getitem__(self, name: str) -> Node:
        """Return the node called `name`; UsageError, with a similar name, if there is none."""
        running = self._running
        return Node(self._current, found_node(running, name))

    def nodes(self, pattern: str = "*") -> list[Node]:
        """Return the nodes whose names match a shell pattern; UsageError if there is none."""
        running = self._running
        return [Node(self._current, index) for index in matching_nodes(running, pattern)]

    def run(self, pattern: str, command: Command, timeout: float | None = None) -> list[Result]:
        """Run a command in all nodes that match `pattern`, up to 64 at once; return their results."""
        running = self._running
        found = matching_nodes(running, pattern)
        return [
            readable(one) for one in running.access.execute(found, words_of(command), timeout_of(timeout))
        ]

    def link(self, a: str, b: str, index: int | None = None) -> Link:
        """Return the link between two nodes; `index` chooses among parallel ones, from 0."""
        running = self._running
        link, swapped = find_link(running, a, b, index)
        return Link(self._current, link, swapped=swapped)

    def links(self) -> list[Link]:
        """Return all links, in the file's order."""
        return [Link(self._current, index) for index in range(self.topology.link_count)]

    def check(self, sample: int | None = None, timeout: float = 1.0) -> Reachability:
        """Ping between all hosts, or `sample` pairs, and compare with the graph (`.is_right`)."""
        if sample is not None:
            whole_of(sample, "sample", 1, 2**31 - 1)
        return check_reachability(self._running, sample, seconds_of(timeout, "timeout"))

    def deviations(self) -> list[Deviation]:
        """Compare every node with the plan; an empty list is good."""
        return list(self._running.deviations())

    def repair(self) -> list[str]:
        """Repair all deviations; return what was repaired."""
        return self._running.repair()

    def migrate(self, port: str, host: str) -> None:
        """Move a light port to another compute host; its address and MAC stay."""
        running = self._running
        running.migrate(*(found_node(running, name) for name in (port, host)))

    def stress(
        self, scenario: Path | str | Mapping[str, Any], *, seed: int | None = None,
        duration: str | float | None = None, report: Path | str | None = None,
    ) -> StressResult:  # fmt: skip
        """Run a stress scenario (a file, or a mapping like one); return figures and verdicts.

        `seed` and `duration` (`30 s`) replace the file's; `report` is the folder of the report. Raises what
        made the run fail, after everything was restored.
        """
        return run_on(self._running, scenario, seed, duration, report)

    def down(self) -> None:
        """Remove the network; return when the kernel has released everything. May be called twice."""
        for name in (*grown_beside(self.name), self.name):
            take_down(name)

    def __enter__(self) -> Self:
        self._signals.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.down()
        finally:
            self._signals.end()


def up_network(
    given: Describes, engine: str | None, options: Mapping[str, Any] | None, watch: Watch | None
) -> Network:
    """Bring up what describes a network, or change it if it is up."""
    started = start(describe(given), engine, options_of(options), watch)
    running = started.network
    return Network(running, running.changes or (), (*started.plan.warnings, *running.notes))


def attached(name: str) -> Network:
    """Return the network `name`, which is up; UsageError if it isn't."""
    if checked_name(name) not in names():
        known = ", ".join(names()) or "none"
        raise UsageError(f"network `{name}` is not up; these are: {known}")
    return Network(attach(name))
