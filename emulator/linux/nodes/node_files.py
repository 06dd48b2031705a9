"""Files and directories that only one node's commands see.

They are in the network's folder, and mounted for each command, which has mounts of its own. So nothing of the
machine changes, and `down` removes them with the folder.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from emulator.atomic_write import write_atomically
from emulator.deviation import Deviation
from emulator.errors import UnableError
from emulator.plan_part import PlanPart
from topologies.nodes_having import nodes_having
from topologies.services import Setup
from topologies.topology import Topology

FOLDER = "private"


class Mount(NamedTuple):
    """What a node's commands see at `target` is at `source` on the machine."""

    source: str
    target: str


def _inside(path: str, directories: tuple[str, ...]) -> str:
    """Return the innermost of `directories` that `path` is in; empty if it is in none."""
    return max((one for one in directories if path.startswith(f"{one}/")), key=len, default="")


def _place(folder: Path, node: str, path: str, private: tuple[str, ...]) -> Path:
    """Return where a file of a node is on the machine."""
    own = folder / FOLDER / node
    directory = _inside(path, private)
    return own / _name(directory) / path[len(directory) + 1 :] if directory else own / _name(path)


def _name(path: str) -> str:
    """Return one name for a path: `/var/log` is `%var%log`."""
    return path.replace("%", "%%").replace("/", "%")


def mounts_of(folder: Path, node: str, setup: Setup) -> tuple[Mount, ...]:
    """Return the mounts of a node's commands, outer ones first; `folder` is the network's."""
    own = folder / FOLDER / node
    paths = [*setup.private, *(path for path, _ in setup.files if not _inside(path, setup.private))]
    return tuple(Mount(str(own / _name(path)), path) for path in sorted(paths))


def _with_files(part: PlanPart) -> Iterator[tuple[str, Setup]]:
    topology = part.topology
    for node in nodes_having(topology, lambda p: bool(p.setup.files or p.setup.private), part.nodes):
        yield topology.names[node], topology.node_profile_of(node).setup


def write_files(part: PlanPart, folder: Path) -> None:
    """Make the private directories and files of the part's nodes; remove those that no node has any more.

    A note names the files that are ours, before and after: files that programs wrote into private directories
    are theirs.
    """
    top, wanted = folder / FOLDER, dict(_with_files(part))
    if not wanted and not top.exists():
        return
    top.mkdir(mode=0o700, exist_ok=True)
    note = folder / "files.json"
    before: dict[str, list[str]] = json.loads(note.read_bytes()) if note.exists() else {}
    now = {
        node: [str(_place(folder, node, path, s.private)) for path, _ in s.files]
        for node, s in wanted.items()
    }
    write_atomically(note, json.dumps({node: sorted({*before.get(node, ()), *now[node]}) for node in wanted}))
    for gone in set(os.listdir(top)) - wanted.keys():
        shutil.rmtree(top / gone)
    for node, setup in wanted.items():
        _make_directories(folder, node, setup)
        _unlink(top / node, set(before.get(node, ())) - set(now[node]))
        _write_all(folder, node, setup)
    write_atomically(note, json.dumps(now))


def _make_directories(folder: Path, node: str, setup: Setup) -> None:
    """Make the private directories of a node, with the machine's modes; remove what it mounts no more."""
    own = folder / FOLDER / node
    own.mkdir(mode=0o755, exist_ok=True)
    keep = {Path(mount.source).name for mount in mounts_of(folder, node, setup)}
    for name in set(os.listdir(own)) - keep:
        (shutil.rmtree if (own / name).is_dir() else os.unlink)(own / name)
    for directory in setup.private:
        place = own / _name(directory)
        place.mkdir(exist_ok=True)
        place.chmod(os.stat(directory).st_mode & 0o7777)


def _unlink(own: Path, places: Iterable[str]) -> None:
    """Remove files of a node that its file doesn't name any more."""
    for place in map(Path, places):
        if _is_within(place, own):
            place.unlink(missing_ok=True)


def _write_all(folder: Path, node: str, setup: Setup) -> None:
    """Write the files of a node whose content differs."""
    for path, content in setup.files:
        place = _place(folder, node, path, setup.private)
        if _read(place) != content:
            _write(place, content, folder / FOLDER / node)


def _is_within(place: Path, own: Path) -> bool:
    """Return whether no link leads `place` out of the node's folder: programs in nodes may make links."""
    return place.parent.resolve().is_relative_to(own.resolve())


def _write(place: Path, content: str, own: Path) -> None:
    """Write a file in place: commands that run already see the same file."""
    if not _is_within(place, own):
        raise UnableError(
            f"{place} is behind a link that a program in {own.name} made; remove the link there"
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(place, flags, 0o644), "w", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise UnableError(f"can't write {place}, a file of {own.name}: {error.strerror}") from error


def file_deviations(part: PlanPart, folder: Path) -> list[Deviation]:
    """Return the files and directories that differ from the plan."""
    out = []
    for node, setup in _with_files(part):
        out += [
            Deviation(node, f"private directory {directory}", "there", "missing")
            for directory in setup.private
            if not (folder / FOLDER / node / _name(directory)).is_dir()
        ]
        for path, content in setup.files:
            found = _read(_place(folder, node, path, setup.private))
            if found != content:
                state = "missing" if found is None else "other content"
                out.append(Deviation(node, f"file {path}", "that of the topology file", state))
    return out


def _read(place: Path) -> str | None:
    try:
        return place.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def refused_files(topology: Topology) -> list[str]:
    """Return the files and directories that have no place to be mounted on: this machine has none there."""
    out: dict[str, None] = {}
    for profile in topology.node_profiles:
        for directory in profile.setup.private:
            if not os.path.isdir(directory):
                out[f"private {directory}: this machine has no such directory; `mkdir -p {directory}`"] = None
        for path, _ in profile.setup.files:
            if not _inside(path, profile.setup.private) and not os.path.isfile(path):
                where = os.path.dirname(path)
                fix = f"`touch {path}`, or make {where} private to the node"
                out[f"file {path}: this machine has no such file to be replaced; {fix}"] = None
    return list(out)
