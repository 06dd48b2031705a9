"""Access to nodes on the workers of a cluster: each call goes to the workers of its nodes, all at once."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import ClassVar

from emulator.access import BinaryWriter, Capability, CaptureRequest, CaptureResult, Echo
from emulator.commands import CommandResult
from emulator.engines.cluster import parts
from emulator.engines.cluster.calls import QUICK_SECONDS, Workers
from emulator.engines.cluster.clocks import measured
from emulator.engines.cluster.processes import RemoteProcess, captured
from emulator.engines.cluster.tasks import ClusterTask
from emulator.engines.cluster.terminal import interact
from emulator.engines.limited_access import LimitedAccess
from emulator.parts import Part, PartEnd, WorkerClock
from emulator.plan import Plan
from emulator.tasks import Plain, RunningTask, Task

_A_DAY = 24 * 3600.0
"""Limit of a command that has none."""
_PING_SECONDS = 600.0
"""Limit of a round of pings beside its timeout: a worker paces them by the answers."""


class ClusterAccess(LimitedAccess):
    """Access to nodes by calls. `plan()` tells the worker of each node, `workers()` are those to call."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({
        Capability.COMMANDS, Capability.TERMINAL, Capability.PING, Capability.CAPTURE, Capability.TASKS,
    })  # fmt: skip

    def __init__(self, engine: str, plan: Callable[[], Plan], workers: Callable[[], Workers]) -> None:
        super().__init__(engine)
        self._plan = plan
        self._workers = workers
        self._clocks: Mapping[str, WorkerClock] = {}

    @property
    def workers(self) -> Sequence[str]:
        """Names of the workers that have nodes."""
        return self._workers().names

    @property
    def places(self) -> ClusterAccess:
        """The workers, where parts of work run."""
        return self

    def measure_clocks(self) -> Mapping[str, WorkerClock]:
        """Measure the workers' monotonic clocks now, and return them."""
        self._clocks = measured(self._workers())
        return self._clocks

    def clock_ahead(self, worker: str) -> float:
        """Return how far a worker's monotonic clock is ahead of this machine's, in seconds."""
        return (self._clocks or self.measure_clocks())[worker].ahead

    def run_part(self, part: Part, number: str, seconds: float, told: Callable[[Plain], None]) -> PartEnd:
        """Run a part on its worker until it ends."""
        return parts.run_part(self._workers(), part, number, seconds, told)

    def is_running(self, worker: str, number: str) -> bool:
        """Return whether a part runs on a worker; it may outlive the worker's process."""
        return parts.is_running(self._workers(), worker, number)

    def take_end(self, worker: str, number: str) -> PartEnd | None:
        """Return what a part left on its worker whose call was lost."""
        return parts.take_end(self._workers(), worker, number)

    def send(self, worker: str, number: str, message: Mapping[str, Plain]) -> None:
        """Send a message to a part on a worker."""
        parts.send(self._workers(), worker, number, message)

    def start(self, task: Task) -> RunningTask:
        """Start a task in parts: on each worker that its `spread` gives one."""
        return ClusterTask(self._workers(), self, task)

    def worker_of(self, node: int) -> str:
        """Return the name of the worker that a node is on."""
        plan = self._plan()
        return plan.workers[int(plan.placement[node])].name

    def _by_worker(self, nodes: Sequence[int]) -> dict[str, list[int]]:
        """Return the positions in `nodes` by worker."""
        plan = self._plan()
        names = [worker.name for worker in plan.workers]
        out: dict[str, list[int]] = {}
        for at, number in enumerate(plan.placement[list(nodes)].tolist()):
            out.setdefault(names[number], []).append(at)
        return out

    def execute(
        self, nodes: Sequence[int], argv: Sequence[str], timeout: float | None = None
    ) -> Sequence[CommandResult]:
        """Run a command in each of `nodes`, on all their workers at once; Ctrl-C ends all."""
        if not nodes:
            return []
        by_worker = self._by_worker(nodes)
        each = {
            worker: {"nodes": [int(nodes[at]) for at in some], "argv": list(argv), "timeout": timeout}
            for worker, some in by_worker.items()
        }
        seconds = _A_DAY if timeout is None else timeout * (1 + len(nodes) // 64) + QUICK_SECONDS
        answers = self._workers().ask("emulator.agent.reach:execute", each, seconds)
        names = self._plan().topology.names
        found: dict[int, CommandResult] = {}
        for worker, some in by_worker.items():
            for at, (code, output, errors) in zip(some, answers[worker].value, strict=True):
                words = base64.b64decode(output), base64.b64decode(errors)
                found[at] = CommandResult(names[nodes[at]], code, *words)
        return [found[at] for at in range(len(nodes))]

    def interact(self, node: int, argv: Sequence[str], timeout: float | None = None) -> int:
        """Run a command in a node with this process's terminal, or its pipes."""
        return interact(self._workers(), self.worker_of(node), node, argv, timeout)

    def ping(self, echoes: Sequence[Echo], timeout: float) -> Sequence[float | None]:
        """Ping from inside the nodes, on all their workers at once."""
        if not echoes:
            return []
        by_worker = self._by_worker([echo.source for echo in echoes])
        each = {
            worker: {
                "echoes": [[int(e.source), e.target, bool(e.expected)] for e in (echoes[at] for at in some)],
                "timeout": timeout,
            }
            for worker, some in by_worker.items()
        }
        seconds = _PING_SECONDS + timeout + 1e-3 * len(echoes)
        answers = self._workers().ask("emulator.agent.reach:ping", each, seconds)
        times: list[float | None] = [None] * len(echoes)
        for worker, some in by_worker.items():
            for at, found in zip(some, answers[worker].value, strict=True):
                times[at] = found
        return times

    def check_filter(self, expression: str | None) -> None:
        """Raise UsageError when `expression` is no pcap filter, UnableError without tcpdump there."""
        if expression:
            self._workers().ask_all("emulator.agent.reach:check_filter", arguments={"expression": expression})

    def capture(self, node: int, request: CaptureRequest, file: BinaryWriter) -> CaptureResult:
        """Record packets on the node's worker, and write them here as they come, until Ctrl-C."""
        worker = self.worker_of(node)
        arguments = {"node": node, "request": asdict(request)}
        return captured(
            RemoteProcess(self._workers(), worker, "emulator.agent.capture:start", arguments), file
        )
