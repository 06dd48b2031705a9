"""Create, change and remove this worker's share of a network, by the engine netns.

Carriers call these in processes of their own: signals work, a rollback is finished, and nothing ends with
the worker's process. An operation that the record has as done isn't done again: a carrier may call twice.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from emulator.agent.claims import release
from emulator.agent.fence import end, has_ended, held, is_changing
from emulator.agent.networks import OWNER, is_ours, known_networks, owner_of, require_owner, state_of
from emulator.carriers.protocol import Answer, RunningCall
from emulator.engines.registry import engine_named, take_down
from emulator.errors import BrokenError, EmulationError
from emulator.linux.machine.resources import available_memory
from emulator.network import Progress
from emulator.packed_plan import unpack
from emulator.plan import Plan
from emulator.tasks import Plain

ENGINE = "netns"
_TELL_EVERY = 0.1


def share_of(arguments: Mapping[str, Plain], data: bytes) -> Plan:
    """Return the plan in `data` with this worker's share, for the engine netns."""
    plan = replace(unpack(data), engine=ENGINE)
    if len(plan.workers) == 1:
        return plan
    return replace(plan, share=int(arguments["share"]))


def accept(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Raise RefusedError with every reason why this worker can't carry out its share of the plan."""
    del call
    require_owner(arguments["name"], arguments["id"])
    engine_named(ENGINE).accept(share_of(arguments, data))
    return Answer()


def deploy(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Create this worker's share of the plan in `data`, or change the running one to it.

    Arguments: name, id, operation, share (number of the worker), file. Returns nodes, seconds, changes,
    notes, and the memory that it took (bytes, `memory`) beside the forecast.
    """
    name, operation = arguments["name"], arguments["operation"]
    with held(name, arguments["seconds"]):
        if has_ended(arguments["id"]):
            raise BrokenError(f"`{name}` was taken down meanwhile")
        require_owner(name, arguments["id"])
        if _is_done(name, operation):
            return Answer({"changes": [], "notes": [], "seconds": 0.0, "memory": None})
        answer = _deployed(call, arguments, share_of(arguments, data))
        release(name, arguments["id"])
        return answer


def _deployed(call: RunningCall, arguments: Mapping[str, Plain], plan: Plan) -> Answer:
    owner = {"id": arguments["id"], "operation": arguments["operation"]}
    plan = replace(plan, options={**plan.options, OWNER: owner})
    before, began = available_memory(), time.monotonic()
    network = engine_named(ENGINE).deploy(plan, arguments["file"], _telling(call))
    seconds, after = time.monotonic() - began, available_memory()
    return Answer({
        "seconds": seconds,
        "changes": None if network.changes is None else list(network.changes),
        "notes": list(network.notes),
        "memory": None if before is None or after is None else before - after,
    })  # fmt: skip


def _is_done(name: str, operation: str) -> bool:
    with suppress(EmulationError):
        record = state_of(name).read()
        return record.phase == "up" and owner_of(record).get("operation") == operation
    return False


def _telling(call: RunningCall) -> Progress:
    last = 0.0

    def progress(phase: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _TELL_EVERY or done == total:
            last = now
            call.tell([phase, done, total])

    return progress


def down(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Remove this worker's share of a network, in any state. Arguments: name, id, seconds (to wait)."""
    del call, data
    name, number, began = arguments["name"], arguments["id"], time.monotonic()
    with held(name, arguments["seconds"]):
        end(number)
        release(name, number)
        if state_of(name).exists and is_ours(name, number):  # another client's network may have the name
            take_down(name)
    return Answer({"seconds": time.monotonic() - began})


def clean_unfinished() -> list[str]:
    """Remove networks of clusters whose `up` was killed, when a worker starts; return their names.

    One whose `up` still runs, in its own process, is left alone.
    """
    removed = []
    for name, known in known_networks().items():
        if known["id"] and known["phase"] == "deploying" and not is_changing(name):
            with suppress(EmulationError):  # `down` will say why
                take_down(name)
                removed.append(name)
    return removed
