"""Mounts of control groups: the hierarchy of each controller, and that of version 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emulator.linux.ledgers.cgroup_ledger import read_words


@dataclass(frozen=True)
class Hierarchy:
    """Location of a controller's groups."""

    controller: str
    version: int
    root: Path


def hierarchies(mountinfo: str | None = None) -> dict[str, Hierarchy]:
    """Return the locations of the controllers `cpu` and `memory`, as far as they exist.

    A controller is in version 1's hierarchy or in version 2's, never in both. `mountinfo` is the text
    of /proc/self/mountinfo.
    """
    text = Path("/proc/self/mountinfo").read_text(encoding="utf-8") if mountinfo is None else mountinfo
    found: dict[str, Hierarchy] = {}
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        kind, _source, options = [*right.split(" "), "", "", ""][:3]
        root = Path(left.split(" ")[4])
        if kind == "cgroup":
            here, version = options.split(","), 1
        elif kind == "cgroup2":
            here, version = read_words(root / "cgroup.controllers"), 2
        else:
            continue
        for controller in ("cpu", "memory"):
            if controller in here:
                found.setdefault(controller, Hierarchy(controller, version, root))
    return found


def cgroup2_root(mountinfo: str | None = None) -> Path | None:
    """Return the mount of control groups of version 2; None without one. `mountinfo` is for tests.

    Unlike in `hierarchies`, it need not have controllers: programs need none.
    """
    text = Path("/proc/self/mountinfo").read_text(encoding="utf-8") if mountinfo is None else mountinfo
    for line in text.splitlines():
        left, _, right = line.partition(" - ")
        if right.startswith("cgroup2 "):
            return Path(left.split(" ")[4])
    return None
