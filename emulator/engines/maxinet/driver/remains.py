"""What a network has on a worker, told from what is somebody else's by marks. Pure.

The mark is the alias of each interface and bridge outside of hosts (`ip link set alias`), and the external id
`emulator` of each Open vSwitch. MaxiNet makes them without a mark. So the worker has a record of their names
from before they are made, when nothing has them, until all have the mark. Meanwhile they are told by the
record.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_RECORD = "/run/emulator-maxinet-"
_KEY = "emulator"
_NO_SWITCHES = "none"
_NAMES = 2_000
"""Names in one command: with 15 bytes each, less than Linux takes as one argument (128 KiB)."""


class Found(NamedTuple):
    """What a worker has: interface -> its alias, Open vSwitch -> its mark, and the names being made.

    `switches` is None if no Open vSwitch answers there.
    """

    interfaces: Mapping[str, str]
    switches: Mapping[str, str] | None
    record: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """All names in use."""
        return frozenset((*self.interfaces, *(self.switches or ())))


def listing(mark: str, worker: str) -> str:
    """Return the shell command whose output `read` understands."""
    bridges = (
        f"ovs-vsctl -t 5 -f json --columns=name,external_ids list bridge 2>/dev/null || echo {_NO_SWITCHES}"
    )
    return f"ip -json link show; echo\n{bridges}\ncat {_record(mark, worker)} 2>/dev/null; true"


def read(said: str) -> Found:
    """Return what a worker has, from the output of `listing`."""
    links, bridges, *record = [line for line in said.splitlines() if line.strip()]
    switches = None
    if bridges.strip() != _NO_SWITCHES:
        rows = json.loads(bridges)["data"]
        switches = {str(name): str(dict(ids[1]).get(_KEY, "")) for name, ids in rows}
    entries: list[dict[str, Any]] = json.loads(links)
    interfaces = {str(e["ifname"]): str(e.get("ifalias", "")) for e in entries if "ifname" in e}
    return Found(interfaces, switches, frozenset(map(str.strip, record)))


def owned(found: Found, mark: str) -> list[str]:
    """Return the names of the interfaces and bridges that are the network's."""
    switches = found.switches or {}
    said = {**found.interfaces, **switches}  # an Open vSwitch's own interface has its name, and no alias
    return [name for name, mine in said.items() if mine == mark or (not mine and name in found.record)]


def removal(found: Found, mark: str) -> list[str]:
    """Return the shell commands that remove what is the network's; some remove what others would."""
    switches = found.switches or {}
    names = owned(found, mark)
    return [
        *(f"ovs-vsctl -t 30 --if-exists del-br {name}" for name in names if name in switches),
        *(f"ip link del {name} 2>/dev/null" for name in names if name not in switches),
    ]


def record_commands(mark: str, worker: str, names: Iterable[str]) -> list[str]:
    """Return the shell commands that write the record of `names`, which are about to be made."""
    path, every = _record(mark, worker), sorted(names)
    parts = [every[at : at + _NAMES] for at in range(0, len(every), _NAMES)]
    return [
        f": > {path}.new",
        *(f"printf '%s\\n' {shlex.join(part)} >> {path}.new" for part in parts),
        f"mv {path}.new {path}",
    ]


def forget_command(mark: str, worker: str) -> str:
    """Return the shell command that removes the record."""
    return f"rm -f {_record(mark, worker)} {_record(mark, worker)}.new"


def alias_words(mark: str) -> str:
    """Return the words of `ip link set` that mark an interface."""
    return f"alias {mark}"


def bridge_words(name: str, mark: str) -> str:
    """Return the words of `ovs-vsctl`, for a shell, that mark an Open vSwitch."""
    return f"set Bridge {name} " + shlex.quote(f'external_ids:{_KEY}="{mark}"')


def _record(mark: str, worker: str) -> str:
    """Return the path of the record: workers that are namespaces of one machine share their files."""
    return _RECORD + hashlib.sha256(f"{mark} {worker}".encode()).hexdigest()[:16]
