"""Flows of one `traffic` step. A task sends and receives them where the nodes are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from emulator.errors import UnableError
from emulator.tasks import Task
from stress.actions.action_context import ActionContext

Using = Literal["own", "iperf3"]

_ENTRIES: dict[Using, str] = {
    "own": "stress.tasks.own_flows:OwnFlows",
    "iperf3": "stress.tasks.iperf3_flows:Iperf3Flows",
}


@dataclass(frozen=True)
class Flow:
    """Flow between two nodes; bandwidth in bit/s or None, size in bytes."""

    source: int
    target: int
    protocol: str
    bandwidth: float | None
    size: int
    seconds: float


class FlowGroup:
    """Flows of a step, by our own senders or by iperf3."""

    def __init__(self, context: ActionContext, using: Using) -> None:
        self._network = context.network
        self._task = context.network.access.start(Task(_ENTRIES[using], {"tag": context.marked([])}))

    def start(self, flow: Flow) -> None:
        """Begin a flow; UnableError when its target has no address."""
        address = next(iter(self._network.addresses(flow.target)), None)
        if address is None:
            raise UnableError(f"{self._network.topology.names[flow.target]} has no address to send to")
        self._task.ask({**asdict(flow), "address": address})

    def results(self) -> list[dict[str, Any]]:
        """End all flows; return the result of each, in the order in which they began."""
        found: list[dict[str, Any]] = self._task.ask(None)
        return found

    def close(self) -> None:
        """End the task."""
        self._task.stop()
