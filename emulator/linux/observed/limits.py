"""Compare the limits of existing control groups with the plan, and restore them.

A node's groups are created when its first command runs, so a missing group is no deviation.
"""

from __future__ import annotations

import os
from pathlib import Path

from emulator.deviation import Deviation
from emulator.errors import UnableError
from emulator.linux import cgroups
from emulator.plan_part import PlanPart
from topologies.nodes_having import nodes_having
from topologies.topology import Topology

_PAGE = os.sysconf("SC_PAGE_SIZE")


def deviating_limits(state_root: Path, part: PlanPart, *, restore: bool = False) -> list[Deviation]:
    """Return the limits that differ in `part`, one for each file of a group. `restore` restores them.

    Raises UnableError when a limit can't be set.
    """
    topology = part.topology
    out = []
    for node in nodes_having(topology, lambda profile: bool(cgroups.needed(profile)), part.nodes):
        out += _of_node(state_root, topology, node, restore=restore)
    return out


def _of_node(state_root: Path, topology: Topology, node: int, *, restore: bool) -> list[Deviation]:
    name, profile = topology.names[node], topology.node_profile_of(node)
    out = []
    for folder, version, controller in cgroups.groups_of(state_root, topology.name, name, profile):
        wanted = dict(cgroups.settings(version, controller, profile))
        differing = [
            Deviation(name, f"limit {file}", value, found)
            for file, value in wanted.items()
            if (found := _read(folder / file)) not in {None, _rounded(file, value)}
        ]
        if differing and restore:
            try:
                cgroups.limit(folder, controller, profile)
            except OSError as error:
                raise UnableError(f"can't limit {name}: {error.filename}: {error.strerror}") from error
        out += differing
    return out


def _read(file: Path) -> str | None:
    """Return a file's content; None if it is missing: no swap accounting, or the group was just removed."""
    try:
        return file.read_text(encoding="ascii").strip()
    except OSError:
        return None


def _rounded(file: str, value: str) -> str:
    """Return a limit as the kernel reports it: memory in whole pages."""
    return str(int(value) // _PAGE * _PAGE) if file.startswith("memory.") and value.isdigit() else value
