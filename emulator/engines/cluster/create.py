"""Create a network on workers: recorded before it is made, on all at once, rolled back if one fails."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.carriers.protocol import Answer
from emulator.engines.cluster.calls import SummedProgress
from emulator.engines.cluster.connection import workers_of
from emulator.engines.cluster.network import ClusterNetwork
from emulator.engines.cluster.removal import freed
from emulator.engines.cluster.shares import (
    ANSWERS,
    NUMBER,
    USED,
    Shipment,
    new_number,
    shipment,
)
from emulator.engines.cluster.tunnels import require_tunnels
from emulator.engines.deploy_phases import finish
from emulator.errors import BrokenError
from emulator.linux.processes.interrupts import deferred
from emulator.network import Progress
from emulator.plan import Plan
from emulator.state import NetworkState, Record
from topologies.counting import counted, size_text

_MOST_LINES = 8


def create(plan: Plan, state: NetworkState, file: str, progress: Progress) -> tuple[str, ...]:
    """Create the network of `plan`; return notes for people. On failure nothing is left on any worker.

    BrokenError if a worker can't be freed again: then the record stays, and `down` frees it.
    """
    sent = shipment(plan, file)
    state.make()
    record = Record.of_plan(plan, file)
    record.options |= {NUMBER: new_number(), USED: list(sent.names)}
    state.write(record)
    state.save(plan, hosts=None)
    try:
        _claim(sent, record)
        answers = deployed(sent, record, progress)
        record.options[ANSWERS] = plain_answers(answers)
        state.write(record)
        if plan.cut.any():
            require_tunnels(plan, ClusterNetwork(state).access, int(plan.options["underlay"]["port"]))
        finish(state, record)
    except BaseException as error:
        with deferred():
            left = freed(state, record)
        if left:
            raise BrokenError(f"{error}\nthen: {left}") from error
        state.remove()
        raise
    return summed(plan, answers)


def _claim(sent: Shipment, record: Record) -> None:
    """Claim the network's name on the first worker by name; UsageError if another client did so before."""
    workers = workers_of(sent.plan.options, record.name, sent.names, record.options[NUMBER])
    workers.ask_one(min(sent.names), "emulator.agent.claims:claim", {})


def deployed(sent: Shipment, record: Record, progress: Progress) -> dict[str, Answer]:
    """Have all workers create their shares, or change them; return their answers."""
    plan = sent.plan
    workers = workers_of(plan.options, plan.topology.name, sent.names, record.options[NUMBER])
    return workers.ask(
        "emulator.agent.lifecycle:deploy", sent.arguments(new_number()), sent.seconds, data=sent.data,
        own_process=True, progress=SummedProgress(progress, sent.names),
    )  # fmt: skip


def plain_answers(answers: Mapping[str, Answer]) -> dict[str, dict[str, float | None]]:
    """Return seconds and memory of each worker, for the record."""
    return {
        name: {"seconds": answer.value["seconds"], "memory": answer.value.get("memory")}
        for name, answer in answers.items()
    }


def summed(plan: Plan, answers: Mapping[str, Answer]) -> tuple[str, ...]:
    """Return a line for each worker: nodes, seconds, memory beside its forecast. Then the workers' notes."""
    counts = plan.counts
    columns = counts.nodes.tolist(), counts.tunnels.tolist(), counts.memory.tolist()
    rows = {worker.name: row for worker, *row in zip(plan.workers, *columns, strict=True)}
    lines = []
    for name, answer in answers.items():
        nodes, tunnels, forecast = rows[name]
        took = answer.value.get("memory")
        memory = f"{size_text(max(took, 0))} (forecast {size_text(forecast)})" if took is not None else "?"
        lines.append(
            f"{name}: {counted(nodes, 'node')}, {counted(tunnels, 'tunnel')}, "
            f"{answer.value['seconds']:.2f} s, {memory}"
        )
    if len(lines) > _MOST_LINES:
        slowest = max(answers, key=lambda name: answers[name].value["seconds"])
        lines = [
            f"{len(lines):,} workers; the slowest, {slowest}, took {answers[slowest].value['seconds']:.2f} s"
        ]
    notes = [f"{name}: {note}" for name, answer in answers.items() for note in answer.value["notes"]]
    return (*lines, *notes)
