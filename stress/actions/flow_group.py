"""Flows of one `traffic` step. A task sends and receives them where the nodes are.

On a cluster each worker begins the ends of flows that it has, by its own clock. So where a flow crosses, both
know the port without asking: it follows from the step's name and the flow's number. Else the kernel chooses.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal
from zlib import crc32

from emulator.errors import BrokenError, UnableError
from emulator.tasks import RunningTask, Task
from stress.actions.action_context import ActionContext, SkippedError

Using = Literal["own", "iperf3"]

_ENTRIES: dict[Using, str] = {
    "own": "stress.tasks.own_flows:OwnFlows",
    "iperf3": "stress.tasks.iperf3_flows:Iperf3Flows",
}
_PORTS = range(20_000, 30_000)
"""Ports of flows between workers: below those that kernels choose by themselves, from 32768 on."""


@dataclass(frozen=True)
class Flow:
    """Flow between two nodes, with its number in the step; bandwidth in bit/s or None, size in bytes."""

    number: int
    source: int
    target: int
    protocol: str
    bandwidth: float | None
    size: int
    seconds: float


def port_of(step: str, number: int) -> int:
    """Return the port of a flow between workers: equal on both, different for each flow of a step."""
    return _PORTS[(crc32(step.encode()) + number) % len(_PORTS)]


class FlowGroup:
    """Flows of a step, as far as they begin or end here, by our own senders or by iperf3."""

    def __init__(self, context: ActionContext, using: Using, step: str) -> None:
        self._context = context
        self._entry = _ENTRIES[using]
        self._step = step
        self._running: RunningTask | None = None
        self._begun: dict[int, dict[str, Any]] = {}
        self._sent: set[int] = set()

    def start(self, flow: Flow) -> None:
        """Begin a flow, or its end that is here; UnableError when its target has no address."""
        context, network = self._context, self._context.network
        if flow.number in self._begun:
            raise SkippedError("the flow has begun already")
        for node in (flow.source, flow.target):
            context.need_node(node)
        names = network.topology.names
        address = next(iter(network.addresses(flow.target)), None)
        if address is None:
            raise UnableError(f"{names[flow.target]} has no address to send to")
        sends, receives = context.is_here(flow.source), context.is_here(flow.target)
        port = 0 if sends and receives else port_of(self._step, flow.number)
        wanted = {**asdict(flow), "address": address, "port": port}
        if receives:
            wanted["port"] = self._task.ask({**wanted, "do": "listen"})
        if sends:
            self._task.ask({**wanted, "do": "send"})
            self._sent.add(flow.number)
        self._begun[flow.number] = {
            "step": self._step, "source": names[flow.source], "target": names[flow.target],
            "protocol": flow.protocol, "begun": context.clock(),
        }  # fmt: skip

    def results(self) -> list[dict[str, Any]]:
        """End all flows; return the halves that were here, as `stress.joined_reports` joins them."""
        if self._running is None:
            return []
        halves = [half for half in self._running.ask(None) if half["number"] in self._begun]
        untold = self._sent - {half["number"] for half in halves}
        if untold:
            raise BrokenError(f"the senders told nothing of {len(untold)} of {len(self._sent)} flows")
        return [self._begun[half["number"]] | half for half in halves]

    def close(self) -> None:
        """End the task."""
        if self._running is not None:
            self._running.stop()

    @property
    def _task(self) -> RunningTask:
        """The task, which begins with the first flow."""
        if self._running is None:
            task = Task(self._entry, {"tag": self._context.marked([])})
            self._running = self._context.network.access.start(task)
        return self._running
