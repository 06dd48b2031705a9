"""The note of what a network has on the machine: written before anything of it exists, read by `down`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from emulator.atomic_write import write_atomically
from emulator.linux.outside.interface_settings import InterfaceSettings

NODE_INTERFACE = "uplink"
"""Name of the uplink in the node."""


@dataclass(frozen=True)
class Uplink:
    """The link between a node and the machine: its network, and the interface's name on the machine.

    `places` are the node's addresses at which the machine is in the emulated network, and `reached` the
    networks that the machine reaches by it; both are those of a node of `kind: outside`, and empty for a nat.
    """

    node: str
    network: str
    interface: str
    places: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()

    @property
    def is_nat(self) -> bool:
        """Whether it leads out of the network, and not the machine into it."""
        return not self.places

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
    """An interface of the machine that a node has, with its addresses there.

    `settings` are what it had on the machine; None while it is there.
    """

    node: str
    name: str
    addresses: tuple[str, ...] = ()
    settings: InterfaceSettings | None = None


@dataclass
class Note:
    """What a network has on the machine.

    `machine` is the identity of the machine's namespace, `table` the name of our nf_tables table in it.
    """

    machine: str = ""
    table: str = ""
    comment: str = ""
    uplinks: list[Uplink] = field(default_factory=list)
    lent: list[Lent] = field(default_factory=list)


def _path(folder: Path) -> Path:
    return folder / "outside.json"


def read_note(folder: Path) -> Note:
    """Return the note in the network's folder; an empty one where there is none, or a damaged one."""
    try:
        data: dict[str, Any] = json.loads(_path(folder).read_bytes())
        uplinks = [_uplink(one) for one in data.pop("uplinks")]
        lent = [_lent(one) for one in data.pop("lent", ())]
        return Note(**data, uplinks=uplinks, lent=lent)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # `down` works with any file
        return Note()


def _uplink(data: dict[str, Any]) -> Uplink:
    return Uplink(**data | {key: tuple(data[key]) for key in ("places", "reached")})


def machine_facts(folder: Path, node: str) -> list[dict[str, Any]]:
    """Return a node's ways to the machine as JSON data.

    "interface", "addresses" in the node; "machine_interface", "machine_addresses" on the machine.
    """
    note = read_note(folder)
    ways = [
        {"interface": NODE_INTERFACE, "addresses": [f"{one.inside}/{one.length}"],
         "machine_interface": one.interface, "machine_addresses": [f"{one.machine}/{one.length}"]}
        for one in note.uplinks if one.node == node
    ]  # fmt: skip
    return ways + [
        {"interface": one.name, "addresses": list(one.addresses), "machine_interface": one.name,
         "machine_addresses": []}
        for one in note.lent if one.node == node
    ]  # fmt: skip


def _lent(data: dict[str, Any]) -> Lent:
    kept = data["settings"]
    if kept is not None:
        texts = {key: tuple(kept[key]) for key in ("addresses", "routes")}
        sysctls = tuple((path, value) for path, value in kept["sysctls"])
        kept = InterfaceSettings(**kept | texts | {"sysctls": sysctls})
    return Lent(data["node"], data["name"], tuple(data["addresses"]), kept)


def write_note(folder: Path, note: Note) -> None:
    """Write the note, synced; a killed command leaves the old or the new one."""
    write_atomically(_path(folder), json.dumps(asdict(note)))
