"""`up` of a running network: each worker changes its share to the new plan, and back if one fails."""

from __future__ import annotations

from collections.abc import Sequence

from emulator.engines.cluster.connection import workers_of
from emulator.engines.cluster.create import deployed, plain_answers, summed
from emulator.engines.cluster.network import ClusterNetwork
from emulator.engines.cluster.shares import (
    ANSWERS,
    LOCK_SECONDS,
    NUMBER,
    USED,
    Shipment,
    shipment,
)
from emulator.engines.deploy_phases import finish
from emulator.errors import BrokenError, EmulationError, RefusedError
from emulator.linux.processes.interrupts import deferred
from emulator.network import LinkState, Progress, silent
from emulator.plan import Plan
from emulator.plan_changes import identity_changes, limit_changes
from emulator.state import NetworkState, Record

_DOWN_SECONDS = 300.0


def change(
    network: ClusterNetwork, plan: Plan, state: NetworkState, file: str, progress: Progress
) -> ClusterNetwork:
    """Change the running network to `plan`; roll back on failure. The caller holds the lock.

    Nodes keep their workers. Each worker repairs its share first, as `up` on one machine does.
    """
    old, record = network.plan, state.read()
    lost = [name for name in record.options[USED] if name not in {worker.name for worker in plan.workers}]
    if lost:
        raise RefusedError(
            [f"{', '.join(lost)}: nodes run there, and the file or the cluster has no such worker"]
        )
    sent, before = shipment(plan, file), shipment(old, record.file)
    words = network.as_filed()
    network.change_links(dict.fromkeys(network.link_changes, LinkState()))
    record = state.read()
    record.phase, record.options[USED] = "changing", list(dict.fromkeys([*before.names, *sent.names]))
    state.write(record)
    try:
        answers = deployed(sent, record, progress)
        _leave(record, [name for name in before.names if name not in sent.names])
    except BaseException as error:
        with deferred():
            _roll_back(before, sent, record, state, error)
        raise
    for name, answer in answers.items():
        words += [f"{name}: {line}" for line in _changes(answer.value["changes"], name in before.names)]
    told = {line.partition(": ")[2] for line in words}
    own = (line for line in (*identity_changes(old, plan), *limit_changes(old, plan)) if line not in told)
    words += own if words else ()
    record.file = file
    record.options |= {USED: list(sent.names), ANSWERS: plain_answers(answers)}
    record.set_plan(plan)
    state.save(plan, hosts=None)
    finish(state, record)
    changed = network.again()
    changed.changes = tuple(dict.fromkeys(words))
    changed.notes = summed(plan, answers) if words else ()
    return changed


def _changes(lines: Sequence[str] | None, had_nodes: bool) -> Sequence[str]:
    """Return the changes on a worker; it has None where its share was created."""
    if lines is not None:
        return lines
    if not had_nodes:
        return ["has nodes of the network now"]
    return ["its share was gone, and was created again: processes in its nodes ended"]


def _leave(record: Record, names: list[str]) -> None:
    """Remove the shares of workers that the new plan has no nodes on."""
    if names:
        workers = workers_of(record.plan_options, record.name, names, record.options[NUMBER])
        workers.ask_all(
            "emulator.agent.lifecycle:down", _DOWN_SECONDS, {"seconds": LOCK_SECONDS}, own_process=True
        )


def _roll_back(
    before: Shipment, sent: Shipment, record: Record, state: NetworkState, error: BaseException
) -> None:
    """Lead all workers back to what they had; BrokenError if that fails too: `up` can be repeated."""
    try:
        deployed(before, record, silent)
        _leave(record, [name for name in sent.names if name not in before.names])
    except EmulationError as left:
        raise BrokenError(
            f"{error}\nthen, while everything was led back: {left}\n`emulator up FILE` again, or "
            f"`emulator down {record.name}`"
        ) from error
    record.options[USED] = list(before.names)
    finish(state, record)
