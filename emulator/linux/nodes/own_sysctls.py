"""Sysctls that the file gives a node: set, compare, and put back what was there when a key leaves the file.

They are written after the node's interfaces exist, since some belong to one. Before the first write the old
value is noted in the network's folder, so that a later command can restore it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np

from emulator.atomic_write import write_atomically
from emulator.deviation import Deviation
from emulator.errors import MissingError, UnableError
from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.guard import namespace_guard
from emulator.linux.namespaces.rights import lacking_rights
from emulator.linux.namespaces.store import NamespaceStore
from emulator.plan_part import PlanPart
from topologies.counting import some_names
from topologies.identifiers import interface_name
from topologies.nodes_having import nodes_having
from topologies.topology import Topology

Values = dict[str, dict[str, str]]
"""{node: {sysctl: value}}."""

_OF_DEVICE = frozenset({"conf", "neigh"})
_EVERY = frozenset({"all", "default", "lo"})


def path_of(name: str) -> Path:
    """Return the file of the sysctl `name`, as sysctl(8) reads it: dots or slashes separate its parts."""
    return Path("/proc/sys", *name.split("/" if "/" in name else "."))


def wanted_sysctls(part: PlanPart) -> dict[int, dict[str, str]]:
    """Return the sysctls of the part's nodes, by node."""
    topology = part.topology
    nodes = nodes_having(topology, lambda profile: bool(profile.setup.sysctl), part.nodes)
    return {node: dict(topology.node_profile_of(node).setup.sysctl) for node in nodes}


def sysctl_deviations(part: PlanPart, store: NamespaceStore) -> list[Deviation]:
    """Return the sysctls that differ from the plan."""
    wanted = wanted_sysctls(part)
    if not wanted:
        return []
    out = []
    with store.entered():
        for node, values in wanted.items():
            with suppress(MissingError):  # reported as a missing node
                store.go(part.namespaces.file(node))
                for name, value in values.items():
                    found = _read(name)
                    if found != _plain(value):
                        shown = "missing" if found is None else found
                        out.append(
                            Deviation(part.topology.names[node], f"sysctl {name}", _plain(value), shown)
                        )
    return out


def set_sysctls(part: PlanPart, store: NamespaceStore, folder: Path) -> None:
    """Set the sysctls of the part's nodes, and restore those that only an earlier plan set.

    UnableError if the kernel refuses a value.
    """
    note = folder / "sysctls.json"
    wanted, before = wanted_sysctls(part), _noted(note)
    if not wanted and not before:
        return
    names = part.topology.names
    now = {names[node]: (part.namespaces.file(node), values) for node, values in wanted.items()}
    there = dict(zip(part.names, part.nodes.tolist(), strict=True))
    with store.entered():
        for name, old in before.items():
            again = {key: value for key, value in old.items() if key not in now.get(name, ("", {}))[1]}
            if again and name in there:
                _write(store, part.namespaces.file(there[name]), name, again)
        kept: Values = {}
        for name, (file, values) in now.items():
            store.go(file)
            known = before.get(name, {})
            kept[name] = {key: known[key] if key in known else _read(key) or "" for key in values}
        write_atomically(note, json.dumps(kept))
        for name, (file, values) in now.items():
            _write(store, file, name, values)


def restore_sysctls(part: PlanPart, store: NamespaceStore, nodes: Iterable[int]) -> None:
    """Set the sysctls of `nodes` whose interfaces were made again; call it inside the store's mounts.

    UnableError if the kernel refuses a value.
    """
    for node in nodes:
        values = dict(part.topology.node_profile_of(node).setup.sysctl)
        if values and part.has(node):
            _write(store, part.namespaces.file(node), part.topology.names[node], values)


def _write(store: NamespaceStore, file: str, node: str, values: dict[str, str]) -> None:
    store.go(file)
    for name, value in values.items():
        if _read(name) == _plain(value):
            continue
        try:
            path_of(name).write_text(value, encoding="utf-8")
        except OSError as error:
            raise UnableError(f"{node}: the kernel refuses {name} = {value}: {error.strerror}") from error


def _read(name: str) -> str | None:
    try:
        return _plain(path_of(name).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def _plain(value: str) -> str:
    """Return a value with single spaces: the kernel separates numbers by tabs."""
    return " ".join(value.split())


def _noted(note: Path) -> Values:
    try:
        return dict(json.loads(note.read_bytes()))
    except FileNotFoundError:
        return {}


def refused_sysctls(topology: Topology) -> list[str]:
    """Return the sysctls that nodes can't have, after a trial in a temporary namespace."""
    tables = {profile.setup.sysctl for profile in topology.node_profiles if profile.setup.sysctl}
    settings = sorted({setting for table in tables for setting in table})
    if not settings or lacking_rights():
        return []
    out = [reason for name, value in settings if (reason := _unknown_interface(topology, name))]
    with namespace_guard("net"):
        syscalls.unshare(syscalls.CLONE_NEWNET)
        for name, value in settings:
            try:
                _trial_path(name).write_text(value, encoding="utf-8")
            except FileNotFoundError:
                out.append(f"sysctl {name}: no node has it; leave it out")
            except OSError as error:
                out.append(f"sysctl {name}: the kernel refuses {value} in a node: {error.strerror}")
    return out


def _trial_path(name: str) -> Path:
    """Return the file of a sysctl in a namespace that has no interfaces but lo."""
    parts = list(path_of(name).parts)
    if (at := _place_of_device(parts)) is not None and parts[at] not in _EVERY:
        parts[at] = "lo"
    return Path(*parts)


def _place_of_device(parts: list[str]) -> int | None:
    """Return where in /proc/sys/net/ipv4/conf/DEVICE/… the device is."""
    return 6 if len(parts) == 8 and parts[5] in _OF_DEVICE else None


def _unknown_interface(topology: Topology, name: str) -> str:
    parts = list(path_of(name).parts)
    at = _place_of_device(parts)
    if at is None or parts[at] in _EVERY:
        return ""
    for number, profile in enumerate(topology.node_profiles):
        if any(key == name for key, _ in profile.setup.sysctl):
            for node in np.flatnonzero(topology.node_profile == number).tolist():
                have = [interface_name(topology, node, end.port) for end in topology.incident(node)]
                if parts[at] not in have:
                    words = some_names(have)
                    return f"sysctl {name}: {topology.names[node]} has no interface {parts[at]}, but {words}"
    return ""
