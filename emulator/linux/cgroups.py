"""Resource limits for commands in a node, by control groups of version 2 or version 1.

Formats: Documentation/admin-guide/cgroup-v2.rst, Documentation/admin-guide/cgroup-v1/memory.rst and
Documentation/scheduler/sched-bwc.rst.

A network has one group in each hierarchy. Each node with limits has a group below it, created when the
first command runs there. The group's name identifies its owner: our prefix, the network's name and a
number for its state directory. The name follows from the run record alone, so `down` finds the group
even after a crash.

A command enters its group before it executes: a constant shell script writes to the group's file, then
executes the command. The script reaches the file through an inherited descriptor, because a node has a
different /sys. The descriptor is O_PATH, so it can't be written to directly.
"""

from __future__ import annotations

import os
import select
import signal
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from emulator.errors import BrokenError, UnableError
from emulator.linux.cgroup_mounts import cgroup2_root, hierarchies
from emulator.linux.ledgers.cgroup_ledger import CgroupLedger, read_words
from emulator.linux.ledgers.owners import Owner
from topologies.profiles import NodeProfile

PREFIX = "topology-emulator"
_PERIOD = 100_000
_LEAST_QUOTA = 1_000
ENTER = 'for group; do shift; [ "$group" = -- ] && break; echo 0 >"$group" || exit 126; done; exec "$@"'


def missing_controllers(profile: NodeProfile) -> list[str]:
    """Return the controllers that the limits of `profile` need and this machine doesn't have."""
    return [name for name in needed(profile) if name not in hierarchies()]


def needed(profile: NodeProfile) -> list[str]:
    """Return the controllers that the limits of `profile` need."""
    wanted = {"cpu": profile.cpu, "memory": profile.memory}
    return [name for name, value in wanted.items() if value is not None]


def group_name(state_root: Path, network: str) -> str:
    """Return the name of the group of `network`, unique among networks of all state directories."""
    number = zlib.crc32(os.fsencode(state_root.resolve()))
    return f"{PREFIX}.{network}.{number:08x}"


def groups_of(
    state_root: Path, network: str, node: str, profile: NodeProfile
) -> Iterator[tuple[Path, int, str]]:
    """Yield (folder, version, controller) of the existing groups of `node`."""
    for controller in needed(profile):
        place = hierarchies().get(controller)
        folder = node_group(place.root / group_name(state_root, network), node) if place else None
        if place is not None and folder is not None and folder.is_dir():
            yield folder, place.version, controller


def node_group(top: Path, node: str) -> Path:
    """Return the group of a node below that of its network."""
    return top / f"node-{node}"


@contextmanager
def entry(
    state_root: Path, network: str, node: str, profile: NodeProfile
) -> Iterator[tuple[list[str], list[int]]]:
    """Return the prefix that runs a command with limits, and the descriptors that it must inherit.

    Both are empty for a node without limits. Raises UnableError when this machine can't limit.
    """
    descriptors: list[int] = []
    try:
        _open(state_root, network, node, profile, descriptors)
        paths = [f"/proc/self/fd/{descriptor}" for descriptor in descriptors]
        yield (["/bin/sh", "-c", ENTER, "sh", *paths, "--"] if paths else []), descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def confine(state_root: Path, network: str, node: str, profile: NodeProfile, pid: int) -> None:
    """Move process `pid`, and so its future children, to the groups of `node`.

    Where the node has no limits, the process moves to the root group.
    Raises UnableError when this machine can't limit.
    """
    try:
        for controller, place in hierarchies().items():
            if controller in needed(profile):
                folder = _create(state_root, network, node, controller)
                limit(folder, controller, profile)
            elif place.version == 1 or not needed(profile):
                folder = place.root
            else:
                continue
            (folder / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        raise UnableError(f"can't limit {node}: {error.filename}: {error.strerror}") from error


def _open(state_root: Path, network: str, node: str, profile: NodeProfile, descriptors: list[int]) -> None:
    """Create the groups of `node`, and append descriptors of their process lists to `descriptors`."""
    try:
        for controller in needed(profile):
            folder = _create(state_root, network, node, controller)
            limit(folder, controller, profile)
            descriptors.append(os.open(folder / "cgroup.procs", os.O_PATH | os.O_CLOEXEC))
    except OSError as error:
        raise UnableError(f"can't limit {node}: {error.filename}: {error.strerror}") from error


def _create(state_root: Path, network: str, node: str, controller: str) -> Path:
    place = hierarchies().get(controller)
    if place is None:
        raise UnableError(
            f"can't limit {node}: no cgroup controller `{controller}` here; see `emulator doctor`"
        )
    folder = node_group(place.root / group_name(state_root, network), node)
    folder.parent.mkdir(exist_ok=True)
    if place.version == 2:  # a group has only the controllers that its parent delegates
        CgroupLedger().hand_down(Owner.here(state_root, network), place.root, controller)
        if controller not in read_words(folder.parent / "cgroup.subtree_control"):
            (folder.parent / "cgroup.subtree_control").write_text(f"+{controller}")
    folder.mkdir(exist_ok=True)
    return folder


def limit(folder: Path, controller: str, profile: NodeProfile) -> None:
    """Write the limits of `profile` for a controller into a group. Raises OSError."""
    for name, value in settings(_version(folder), controller, profile):
        try:
            (folder / name).write_text(value)
        except FileNotFoundError:
            if "sw" not in name:  # a kernel without swap accounting
                raise


def settings(version: int, controller: str, profile: NodeProfile) -> list[tuple[str, str]]:
    """Return (file, text) for the limits of `profile`, in the order in which they must be written."""
    if controller == "cpu" and profile.cpu is not None:
        quota = max(int(profile.cpu * _PERIOD), _LEAST_QUOTA)
        if version == 2:
            return [("cpu.max", f"{quota} {_PERIOD}")]
        return [("cpu.cfs_period_us", str(_PERIOD)), ("cpu.cfs_quota_us", str(quota))]
    if controller == "memory" and profile.memory is not None:
        if version == 2:
            return [("memory.max", str(profile.memory)), ("memory.swap.max", "0")]
        limit = str(profile.memory)
        both = "memory.memsw.limit_in_bytes"  # memory plus swap: never less than memory alone
        return [(both, "-1"), ("memory.limit_in_bytes", limit), (both, limit)]
    return []


def _version(folder: Path) -> int:
    return 2 if (folder / "cgroup.controllers").exists() else 1


def remove(state_root: Path, network: str, timeout: float = 10.0) -> None:
    """Kill the remaining processes in the groups of a network and remove the groups, if any.

    The groups contain only commands that we started and their children. Controllers enabled for them are
    disabled again when no other network needs them.
    """
    roots = {place.root for place in hierarchies().values()}
    if (unified := cgroup2_root()) is not None:  # of light ports; it needn't have controllers
        roots.add(unified)
    for root in roots:
        top = root / group_name(state_root, network)
        for folder, _, _ in os.walk(top, topdown=False):  # nested groups, created by commands, come first
            _remove(Path(folder), time.monotonic() + timeout)
    release(Owner.here(state_root, network))


def release(owner: Owner | None = None) -> None:
    """Disable the controllers that only `owner` and removed networks needed."""
    tops = (place.root for place in hierarchies().values() if place.version == 2)
    CgroupLedger().release(owner, next(tops, None))


def _remove(folder: Path, deadline: float) -> None:
    while True:
        _kill([int(pid) for pid in read_words(folder / "cgroup.procs")])
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:  # EBUSY until the last process has ended completely
            if time.monotonic() > deadline:
                raise BrokenError(f"can't remove the group {folder}: {error.strerror}") from error
            time.sleep(0.01)
        else:
            return


def _kill(pids: Sequence[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                select.select([handle], [], [], 1.0)
            finally:
                os.close(handle)
