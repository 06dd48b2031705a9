"""What a network has left on a worker, told from what is somebody else's by its names and addresses. Pure.

An interface is the network's if it has both the name and the MAC of the plan, a bridge if such interfaces
are in it, and an Open vSwitch if it has the name and the datapath id. A tunnel that was never renamed has
MaxiNet's own name, and MaxiNet's own script removes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

Document = dict[str, Any]

LISTING = """ip -json link show; echo
ovs-vsctl -t 5 -f json --columns=name,other_config list bridge 2>/dev/null; true"""
"""Shell command whose output `read` understands."""


class Found(NamedTuple):
    """What a worker has: interface -> its entry by `ip -json link`, Open vSwitch -> its datapath id."""

    interfaces: Mapping[str, Mapping[str, Any]]
    switches: Mapping[str, str]

    @property
    def names(self) -> frozenset[str]:
        """All names."""
        return frozenset((*self.interfaces, *self.switches))


class Own(NamedTuple):
    """What a network has on one worker: interface -> MAC, and switch -> datapath id."""

    interfaces: Mapping[str, str]
    switches: Mapping[str, str]

    @property
    def names(self) -> frozenset[str]:
        """All names."""
        return frozenset((*self.interfaces, *self.switches))


def read(listing: str) -> Found:
    """Return what a worker has, from the output of LISTING."""
    links, _, bridges = listing.strip().partition("\n")
    rows = json.loads(bridges)["data"] if bridges.strip() else []
    return Found(
        {entry["ifname"]: entry for entry in json.loads(links or "[]") if "ifname" in entry},
        {str(name): str(dict(config[1]).get("datapath-id", "")) for name, config in rows},
    )


def bridges(found: Found, mine: Own) -> frozenset[str]:
    """Return the bridges of `mine` that hold interfaces of it."""
    masters = {str(found.interfaces[name].get("master")) for name in _interfaces(found, mine)}
    return frozenset(masters & set(mine.switches))


def removal(found: Found, mine: Own, known: AbstractSet[str] = frozenset()) -> list[str]:
    """Return the shell commands that remove what is left of `mine`.

    `known` are bridges that are the network's without holding its interfaces any more.
    """
    ovs = [name for name, dpid in mine.switches.items() if found.switches.get(name) == dpid]
    own = bridges(found, mine) | known
    plain = [n for n in mine.switches if n in own and n in found.interfaces and n not in found.switches]
    return [
        *(f"ovs-vsctl -t 30 --if-exists del-br {name}" for name in ovs),
        *(f"ip link del {name} 2>/dev/null" for name in (*plain, *_interfaces(found, mine))),
    ]


def _interfaces(found: Found, mine: Own) -> list[str]:
    return [
        name for name, mac in mine.interfaces.items() if found.interfaces.get(name, {}).get("address") == mac
    ]
