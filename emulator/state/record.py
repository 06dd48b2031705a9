"""Run record of one network: name, engine, phase, workers, and changed links."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from emulator.network import LinkState
from emulator.placement.worker import Worker, numbered
from emulator.plan import Plan

FORMAT = 2
"""Version of the record file: 2 has no time of creation."""


@dataclass
class Record:
    """Run record of one network. `phase` is deploying, up or changing; `links` are changed links.

    `workers`, `method`, `plan_options` and `share` are those of the deployed plan. `options` are notes of the
    engine for its later commands.
    """

    name: str
    engine: str
    phase: str = "deploying"
    file: str = ""
    links: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT
    workers: list[dict[str, Any]] = field(default_factory=list)
    method: str = "one worker"
    plan_options: dict[str, Any] = field(default_factory=dict)
    share: int | None = None

    @classmethod
    def of_plan(cls, plan: Plan, file: str, phase: str = "deploying") -> Self:
        """Return the record of a network that has no changed links; `file` is the plan's source."""
        record = cls(plan.topology.name, plan.engine, phase, file)
        record.set_plan(plan)
        return record

    def set_plan(self, plan: Plan) -> None:
        """Write down the workers and options of the deployed plan. `NetworkState.save` has its arrays."""
        self.workers = [asdict(worker) for worker in plan.workers]
        self.method = plan.method
        self.plan_options = dict(plan.options)
        self.share = plan.share

    def set_link(self, link: int, state: LinkState) -> None:
        """Write down the state of a link; a state without changes is removed."""
        if state == LinkState():
            self.links.pop(str(link), None)
        else:
            self.links[str(link)] = asdict(state)


def link_states(record: Record) -> dict[int, LinkState]:
    """Return the changed links in `record`, by link index."""
    return {int(link): LinkState.of(data) for link, data in record.links.items()}


def workers_of(record: Record) -> tuple[Worker, ...]:
    """Return the workers in `record`; one if it names none."""
    return tuple(Worker(**data) for data in record.workers) or numbered(1)
