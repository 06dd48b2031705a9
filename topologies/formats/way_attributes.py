"""Attributes of a node's ways to the machine, in files of other formats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from topologies.outside import MachineInterface, Outside


def way_keys(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return keys of a topology file: `uplink`, and interfaces as words `name` or `name=address,…`."""
    keys: dict[str, Any] = {}
    if uplink := attributes.get("uplink"):
        keys["uplink"] = str(uplink)
    if lent := attributes.get("machine_interfaces"):
        keys["machine_interfaces"] = [_interface_keys(word) for word in str(lent).split()]
    return keys


def _interface_keys(word: str) -> dict[str, Any]:
    name, _, addresses = word.partition("=")
    return {"name": name} | ({"addresses": addresses.split(",")} if addresses else {})


def way_attributes(outside: Outside) -> dict[str, str]:
    """Return the attributes that `way_keys` reads back."""
    out = {"uplink": outside.uplink} if outside.uplink else {}
    if outside.interfaces:
        out["machine_interfaces"] = " ".join(map(_word, outside.interfaces))
    return out


def _word(one: MachineInterface) -> str:
    return f"{one.name}={','.join(one.addresses)}" if one.addresses else one.name
