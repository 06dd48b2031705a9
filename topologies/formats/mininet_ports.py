"""Port numbers and interface names that a Mininet file states (`intfName1="r0-eth5"`)."""

from __future__ import annotations

from typing import Any

from topologies.formats.left_out import LeftOut
from topologies.identifiers import IFNAME_MAX


def count_from_one(links: list[dict[str, Any]], switches: set[str]) -> None:
    """Count the ports of `switches` from 1: those that are switches by commands have port 0 in Mininet."""
    ends = [(link, end) for link in links for end in "12" if str(link[f"node{end}"]) in switches]
    zero = {link[f"node{end}"] for link, end in ends if link[f"port{end}"] == 0}
    for link, end in ends:
        if link[f"node{end}"] in zero:
            link[f"port{end}"] += 1


def names_of_ports(
    links: list[dict[str, Any]], hosts: set[str], left_out: LeftOut
) -> dict[str, dict[str, str]]:
    """Return the interface names of each node that aren't the computed ones: {"interfaces": "name@port …"}.

    Where all of a node's names are like r0-eth5, the ports of `links` get these numbers and need no names.
    A host's lowest port is 0, so it keeps its name only.
    """
    ends: dict[str, list[tuple[dict[str, Any], str, str]]] = {}
    for link in links:
        for end in "12":
            node, key = str(link[f"node{end}"]), f"port{end}"
            name = str(link.get(f"intfName{end}") or f"{node}-eth{link[key]}")
            ends.setdefault(node, []).append((link, key, name))
    out = {}
    for node, own in ends.items():
        _number(node, own, is_host=node in hosts)
        lowest = min(int(link[key]) for link, key, _ in own) if node in hosts else -1
        ports = [0 if link[key] == lowest else int(link[key]) for link, key, _ in own]
        stated = {
            port: name for port, (_, _, name) in zip(ports, own, strict=True) if name != f"{node}-eth{port}"
        }
        distinct = len({name for _, _, name in own}) == len(own)
        unfit = [name for name in stated.values() if len(name) > IFNAME_MAX or not distinct]
        for name in unfit:
            left_out.add(f"`intfName` {name}", node)
        if words := [f"{name}@{port}" for port, name in stated.items() if name not in unfit]:
            out[node] = {"interfaces": " ".join(words)}
    return out


def _number(node: str, ends: list[tuple[dict[str, Any], str, str]], *, is_host: bool) -> None:
    """Give the ports of `node` the numbers in their names, if all names have different ones."""
    numbers = [_number_in(node, name) for _, _, name in ends]
    known = {number for number in numbers if number is not None}
    if len(known) == len(ends) and (not is_host or min(known) == 0):
        for (link, key, _), number in zip(ends, numbers, strict=True):
            link[key] = number


def _number_in(node: str, interface: str) -> int | None:
    """Return the number in an interface name as Mininet computes them, such as 5 of r0-eth5; else None."""
    stem, _, number = interface.rpartition("-eth")
    plain = number.isascii() and number.isdigit() and len(number) <= 5
    return int(number) if stem == node and plain else None
