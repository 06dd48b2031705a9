"""The note of what a network has on the machine: written before anything of it exists, read by `down`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from emulator.atomic_write import write_atomically

NODE_INTERFACE = "uplink"
"""Name of the uplink in the node."""


@dataclass(frozen=True)
class Uplink:
    """The link between a nat node and the machine: its network, and the interface's name on the machine."""

    node: str
    network: str
    interface: str

    @property
    def machine(self) -> IPv4Address:
        """Address on the machine."""
        return IPv4Network(self.network)[1]

    @property
    def inside(self) -> IPv4Address:
        """Address in the node."""
        return IPv4Network(self.network)[2]

    @property
    def length(self) -> int:
        """Prefix length of both."""
        return IPv4Network(self.network).prefixlen


@dataclass(frozen=True)
class Lent:
    """An interface of the machine in a node, and the state that it had on the machine.

    `addresses` and `routes` are netlink messages in hexadecimal that add them again, without their header.
    """

    node: str
    name: str
    kind: str
    mac: str
    mtu: int
    up: bool
    forced: bool
    ip: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


@dataclass
class Note:
    """What a network has on the machine; `machine` is the identity of its namespace, `table` that of nf_tables."""

    machine: str = ""
    table: str = ""
    comment: str = ""
    uplinks: list[Uplink] = field(default_factory=list)
    lent: list[Lent] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is on the machine."""
        return not (self.uplinks or self.lent)


def _path(folder: Path) -> Path:
    return folder / "outside.json"


def read_note(folder: Path) -> Note:
    """Return the note in the network's folder; an empty one where there is none, or a damaged one."""
    try:
        data: dict[str, Any] = json.loads(_path(folder).read_bytes())
        uplinks = [Uplink(**one) for one in data.pop("uplinks")]
        lent = [_lent(one) for one in data.pop("lent")]
        return Note(**data, uplinks=uplinks, lent=lent)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # `down` works with any file
        return Note()


def _lent(data: dict[str, Any]) -> Lent:
    return Lent(**data | {key: tuple(data[key]) for key in ("ip", "addresses", "routes")})


def write_note(folder: Path, note: Note) -> None:
    """Write the note, synced; a killed command leaves the old or the new one."""
    write_atomically(_path(folder), json.dumps(asdict(note)))
