"""Networks of this worker: handles are kept while the run record and the graph are the same files."""

from __future__ import annotations

import threading
from typing import NamedTuple

from emulator.engines.registry import attach
from emulator.errors import EmulationError, UsageError
from emulator.network import Network
from emulator.state import NetworkState, Record, names, state_root
from emulator.state.directory import OF_A_WORKER
from emulator.tasks import Plain

OWNER = "cluster"
"""Key of a plan's options: {"id": number that its client drew, "operation": that of the last `up`}."""

CLUSTER = "cluster"
"""Engine of a client's record; a worker's share is one of the engine `netns`."""
_MOST = 64


class _Kept(NamedTuple):
    stamp: tuple[tuple[int, int, int], ...]
    network: Network


_kept: dict[str, _Kept] = {}
_lock = threading.Lock()


def network_named(name: str) -> Network:
    """Return this worker's part of the running network `name`; UsageError when there is none."""
    state = state_of(name)
    try:
        stats = [path.stat() for path in (state.record_path, state.topology_path)]
    except FileNotFoundError:
        return attach(name)  # raises, and says which networks there are
    stamp = tuple((stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)
    key = str(state.folder)
    with _lock:
        found = _kept.get(key)
        if found is None or found.stamp != stamp:
            if len(_kept) >= _MOST:
                _kept.clear()
            found = _kept[key] = _Kept(stamp, attach(name))
    return found.network


def state_of(name: str) -> NetworkState:
    """Return the state folder of the network `name` on this worker."""
    return NetworkState(state_root(), name)


def owner_of(record: Record) -> dict[str, Plain]:
    """Return who made a network: its `OWNER` option, empty for a network that no cluster made."""
    return dict(record.plan_options.get(OWNER) or {})


def is_ours(name: str, number: str) -> bool:
    """Return False if what this worker has of `name` isn't of the cluster's network `number`."""
    return bool(_owner(name).get("id", number) == number)


def require_owner(name: str, number: str) -> None:
    """Raise UsageError if this worker has a network `name` that isn't the cluster's network `number`."""
    if not is_ours(name, number):
        owner = _owner(name)
        if owner["engine"] == CLUSTER:
            raise UsageError(
                f"it keeps its networks where clients on its machine have theirs, in {state_root()}; "
                f"start it with another EMULATOR_STATE_DIR, such as {OF_A_WORKER}"
            )
        by = "another client of this cluster" if owner["id"] else "somebody on that machine"
        raise UsageError(
            f"it has a network `{name}` of its own, made by {by}; choose another name, "
            f"or `emulator down {name}` there first"
        )


def _owner(name: str) -> dict[str, Plain]:
    """Return the owner of a network with a readable record, its id empty where no cluster made it.

    `engine` is that of the record: `CLUSTER` for a client's.
    """
    state = state_of(name)
    if not state.record_path.exists():
        return {}
    try:
        record = state.read()
        return {"id": "", **owner_of(record), "engine": record.engine}
    except EmulationError:  # a damaged record: `down` removes what is left
        return {}


def known_networks() -> dict[str, Plain]:
    """Return the networks on this worker: name -> {"id", "phase", "engine"}; "?" for a damaged record."""
    out: dict[str, Plain] = {}
    for name in names():
        try:
            record = state_of(name).read()
        except EmulationError:
            out[name] = {"id": "", "phase": "?", "engine": "?"}
        else:
            owner = owner_of(record)
            out[name] = {"id": owner.get("id", ""), "phase": record.phase, "engine": record.engine}
    return out
