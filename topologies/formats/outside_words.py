"""A node's way to the machine in graph files: attributes `uplink` and `interface`.

`interface` holds words: `eth1`, or with its addresses in the node `eth1@192.0.2.9/24,2001:db8::9/64`.
"""

from __future__ import annotations

from typing import Any

from topologies.formats.graph import Attributes
from topologies.outside import Outside


def outside_keys(attributes: Attributes) -> dict[str, Any]:
    """Return the keys of a file for a node's attributes."""
    out: dict[str, Any] = {}
    if uplink := attributes.get("uplink"):
        out["uplink"] = str(uplink)
    if words := str(attributes.get("interface") or "").split():
        parts = (word.partition("@") for word in words)
        out["interface"] = [
            {"name": name, "ip": addresses.split(",")} if addresses else name for name, _, addresses in parts
        ]
    return out


def outside_attributes(outside: Outside) -> dict[str, str]:
    """Return the attributes in a file, besides the kind. Nobody forces an interface from a machine by a graph."""
    words = [f"{one.name}@{','.join(one.ip)}" if one.ip else one.name for one in outside.interfaces]
    out = {"uplink": outside.uplink, "interface": " ".join(words)}
    return {key: text for key, text in out.items() if text}
