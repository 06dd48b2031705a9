"""Flows of one `traffic` step. A task sends and receives them where the nodes are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from emulator.errors import UnableError
from emulator.tasks import Task
from stress.actions.action_context import ActionContext
from stress.spreads import FlowsSpread

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
        task = Task(_ENTRIES[using], {"tag": context.marked([])}, FlowsSpread())
        self._task = context.network.access.start(task)
        self._tried = 0
        self._begun: list[int] = []

    def start(self, flow: Flow) -> None:
        """Begin a flow; UnableError when its target has no address."""
        address = next(iter(self._network.addresses(flow.target)), None)
        if address is None:
            raise UnableError(f"{self._network.topology.names[flow.target]} has no address to send to")
        wanted = {**asdict(flow), "address": address, "number": self._tried}
        self._tried += 1
        port = self._task.ask({**wanted, "do": "listen"})
        self._task.ask({**wanted, "do": "send", "port": port})
        self._begun.append(wanted["number"])

    def results(self) -> list[dict[str, Any]]:
        """End all flows; return the result of each, in the order in which they began."""
        return joined(self._task.ask(None), self._begun)

    def close(self) -> None:
        """End the task."""
        self._task.stop()


def joined(halves: Iterable[Mapping[str, Any]], begun: Iterable[int]) -> list[dict[str, Any]]:
    """Return the flows `begun` (numbers) from the results of their halves, without those that told nothing.

    The first error of a flow counts: that of its sender comes before that of its receiver.
    """
    found: dict[int, dict[str, Any]] = {}
    for half in sorted(halves, key=lambda half: "sent_bytes" not in half):
        number = half["number"]
        flow = found.setdefault(number, {})
        error = flow.get("error") or half["error"]
        flow |= {**half, "error": error}
    empty = {"sent_bytes": 0, "received_bytes": 0, "seconds": 0.0, "error": "", "series": []}
    return [
        {**empty, **{key: value for key, value in flow.items() if key != "number"}}
        for number, flow in ((number, found[number]) for number in begun if number in found)
    ]  # fmt: skip
