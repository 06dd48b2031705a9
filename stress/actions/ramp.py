"""ramp: add hosts until a limit breaks, to find the capacity of this machine."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import psutil
from pydantic import Field

from emulator.access import Echo
from emulator.errors import EmulationError
from emulator.network import Network
from stress.actions.action_context import ActionContext, SkippedError, StepOverError
from stress.actions.base import Action, Needs
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.arrivals import MICRO
from stress.targets import Target
from topologies.spec.quantity_types import Duration, Share

_ASKED = 8
_PATIENCE = 2.0


class Ramp(Action):
    """Each operation brings up one more network beside the running one, and checks that its hosts answer."""

    EXAMPLE: ClassVar[str] = "{action: ramp, hosts: 100, interval: 2 s}"
    VERBS: ClassVar[tuple[str, ...]] = ("grow", "take down")
    NEEDS: ClassVar[Needs] = "network alone"
    DISTURBS: ClassVar[bool] = False
    CLOSED: ClassVar[bool] = True
    ABILITIES: ClassVar[frozenset[str]] = frozenset({"networks"})

    action: Literal["ramp"]
    hosts: Annotated[int, Field(ge=1, le=100_000)] = Field(
        100, description="Hosts to add at each step", examples=["100"]
    )
    interval: Annotated[Duration, Field(gt=0)] = Field(
        1.0,
        description="Time from one step to the next; the next begins at once after one that takes longer",
        examples=["2 s"],
    )
    most: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Number of hosts at which the step ends, without a failed limit"
    )
    slowest: Duration = Field(60.0, description="Limit: maximum time of one step", examples=["10 s"])
    memory: Share = Field(
        0.1, description="Limit: share of the machine's memory that must stay available", examples=["10 %"]
    )

    def plan(self, context: PlanContext) -> PlannedOperations:
        """Return when the network grows, and its end: an interval after it has `most` hosts."""
        interval = max(1, round(self.interval * MICRO))
        count = -(-context.end // interval)
        if self.most is not None:
            count = min(count, -(-self.most // self.hosts))
        context.require_few(count, "interval")
        at = np.arange(count + 1, dtype=np.int64) * interval
        at[-1] = min(context.end, count * interval)
        verb = np.append(np.zeros(count, dtype=np.int64), 1)
        return PlannedOperations(at, verb, np.zeros(count + 1, dtype=np.int64), [Target("step", 0)])

    def do(self, context: ActionContext, verb: str, target: Target) -> None:
        """Add one network, or take all down, report and end."""
        del target
        grown: Grown = context.kept((Ramp, id(self)), lambda: Grown(self, context))
        if verb == "grow":
            grown.grow()
        else:
            grown.close()
            raise StepOverError


class Grown:
    """Networks that a ramp has brought up so far."""

    def __init__(self, ramp: Ramp, context: ActionContext) -> None:
        self._ramp = ramp
        self._context = context
        self._networks: list[Network] = []
        self._sizes: list[dict[str, Any]] = []
        self._hosts = 0
        self._stopped_by = ""
        self._end = context.clock() + (ramp.duration or 0.0)
        self._closed = False

    def grow(self) -> None:
        """Bring up one more network; once a limit has broken or `most` is reached, end the step."""
        if self._stopped_by:
            self.close()
            raise StepOverError(f"stopped: {self._stopped_by}")
        begin = self._context.clock()
        if begin > self._end:  # overdue operations, on an engine slower than planned
            raise SkippedError("the step's time is over")
        base = self._context.network.name[:20].rstrip("-")
        most = self._ramp.most
        hosts = self._ramp.hosts if most is None else min(self._ramp.hosts, most - self._hosts)
        try:
            network = self._context.grow(f"{base}-ramp-{len(self._networks) + 1}", hosts)
        except (EmulationError, MemoryError) as error:
            self._stopped_by = (str(error) or type(error).__name__).splitlines()[0]
            return
        self._networks.append(network)
        self._hosts += len(network.topology.hosts)
        seconds = self._context.clock() - begin
        self._stopped_by = self._broken(network, seconds)
        if not self._stopped_by:
            self._sizes.append({
                "hosts": self._hosts, "seconds": round(seconds, 6),
                "memory_available": psutil.virtual_memory().available,
            })  # fmt: skip
            if most is not None and self._hosts >= most:
                self._stopped_by = "`most` is reached"

    def _broken(self, network: Network, seconds: float) -> str:
        """Return the limit that broke, or nothing."""
        if seconds > self._ramp.slowest:
            return f"a step took {seconds:.3g} s, more than {self._ramp.slowest:g} s"
        memory = psutil.virtual_memory()
        if memory.available < self._ramp.memory * memory.total:
            left = memory.available / memory.total
            return f"{left:.1%} of the machine's memory is available, less than {self._ramp.memory:.0%}"
        hosts = network.topology.hosts.tolist()
        echoes = [Echo(a, network.addresses(b)[0]) for a, b in pairwise(hosts[: _ASKED + 1])]
        lost = sum(answer is None for answer in network.access.ping(echoes, _PATIENCE))
        return f"{lost} of {len(echoes)} new pairs of hosts don't reach each other" if lost else ""

    def close(self) -> None:
        """Take all down, the last first, and report once."""
        if self._closed:
            return
        self._closed = True
        self._context.report("ramp", {
            "step": self._ramp.name, "sizes": self._sizes,
            "last_good": self._sizes[-1]["hosts"] if self._sizes else 0,
            "stopped_by": self._stopped_by, "grown": "hosts beside the network",
        })  # fmt: skip
        failed: list[EmulationError] = []
        while self._networks:
            try:
                self._context.take_down(self._networks.pop())
            except EmulationError as error:  # continue with the others
                failed.append(error)
        if failed:
            raise failed[0]
