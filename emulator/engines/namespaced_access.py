"""Access to nodes that are namespaces on this machine, whichever program created them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import ClassVar

import numpy as np

from emulator.access import BinaryWriter, Capability, CaptureRequest, CaptureResult, Echo, LineShell
from emulator.checks.timeouts import timeouts_for
from emulator.commands import CommandResult, Heard
from emulator.engines.limited_access import LimitedAccess
from emulator.engines.namespaced_nodes import NamespacedNodes
from emulator.engines.store import require_root
from emulator.link_states import States, links_up
from emulator.linux import capture
from emulator.linux.icmp import Pinger, limits
from emulator.linux.processes.node_shell import NodeShell
from emulator.linux.processes.wait import wait_for
from emulator.probe_window import Limits
from emulator.tasks import RunningTask, Task, started
from topologies.openflow_switches import controllers_of, ovs_nodes
from topologies.segments import Segments

_UPCALL = 8
"""Factor by which Open vSwitch is slower than a bridge for the first packet of a flow."""


class NamespacedAccess(LimitedAccess):
    """Access to local nodes: tasks run in this process. `links` returns the current changes of links."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({
        Capability.COMMANDS, Capability.TERMINAL, Capability.PING, Capability.CAPTURE, Capability.TASKS,
    })  # fmt: skip

    def __init__(self, engine: str, nodes: NamespacedNodes, links: Callable[[], States]) -> None:
        super().__init__(engine)
        self.nodes = nodes
        self._links = links

    def execute(
        self, nodes: Sequence[int], argv: Sequence[str], timeout: float | None = None
    ) -> Sequence[CommandResult]:
        """Run a command in each of `nodes`, up to 64 at once."""
        return self.nodes.execute(nodes, argv, timeout)

    def stream(
        self, nodes: Sequence[int], argv: Sequence[str], heard: Heard, timeout: float | None = None
    ) -> Sequence[int]:
        """Run a command in each of `nodes`, up to 64 at once, and give each line to `heard` at once."""
        return [result.code for result in self.nodes.execute(nodes, argv, timeout, heard=heard)]

    def interact(self, node: int, argv: Sequence[str], timeout: float | None = None) -> int:
        """Run a command in a node with this process's terminal."""
        return wait_for(lambda apart: self.nodes.start(node, argv, capture=False, apart=apart), timeout)

    def line_shell(self, node: int) -> LineShell:
        """Return a shell that stays in a node."""
        start = partial(self.nodes.start, node, capture=False, apart=True)
        return NodeShell(lambda argv, inherit: start(argv=argv, inherit=inherit), self.nodes.ping_words(node))

    def ping(self, echoes: Sequence[Echo], timeout: float) -> Sequence[float | None]:
        """Send ICMP echoes from inside the nodes."""
        with self.nodes.store.entered():
            return Pinger(echoes, timeout, self._limits(), self.nodes.source).run(self.nodes.store)

    def _limits(self) -> Limits:
        """Return how many probes may be sent at a time, and when their answers are late."""
        links = self._links()
        topology = self.nodes.topology.underlay
        shown = {link: state for link, state in links.items() if link < topology.link_count}
        delay = timeouts_for(topology, shown, links_up(topology, shown)).delay
        return limits(self._deliveries, delay, controllers=bool(controllers_of(self.nodes.topology)))

    @cached_property
    def _deliveries(self) -> int:
        """Return the maximum number of link ends that receive a broadcast; slower ends count more."""
        of_end = Segments(self.nodes.topology.underlay).of_end
        largest = int(np.bincount(of_end[of_end >= 0]).max(initial=0))
        return largest * (_UPCALL if ovs_nodes(self.nodes.topology).any() else 1)

    def check_filter(self, expression: str | None) -> None:
        """Raise UsageError when `expression` is no pcap filter, UnableError without tcpdump."""
        capture.check_filter(expression)

    def capture(self, node: int, request: CaptureRequest, file: BinaryWriter) -> CaptureResult:
        """Record packets in a node until the request is fulfilled, or Ctrl-C."""
        require_root()
        view = self.nodes.view(node)
        if view is not None:
            seen = replace(request, interface=self.nodes.device(node))
            return capture.by_view(self.nodes.store, self.nodes.place(node), seen, file, view)
        return capture.record(self.nodes.store, self.nodes.place(node), request, file)

    def start(self, task: Task) -> RunningTask:
        """Start a task in this process."""
        return started(task, self.nodes)
