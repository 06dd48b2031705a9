"""Links of a network, and changes made to them while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from emulator.interface.link_settings import UNITS
from emulator.network import LinkState, Network
from topologies.counting import counted
from topologies.profiles import Shape


def described(network: Network, link: int, state: LinkState, *, swapped: bool = False) -> dict[str, Any]:
    """Return the data of a link, seen from its first end, or from the other one if `swapped`."""
    topology = network.topology
    live = (state.forward, state.backward)
    shapes = [topology.shape(link, end) if live[end] is None else live[end] for end in (0, 1)]
    names = [topology.names[n] for n in topology.ends[link].tolist()]
    if swapped:
        shapes.reverse()
        names.reverse()
    ways = [{k: v for k, v in asdict(shape or Shape()).items() if v is not None} for shape in shapes]
    return {
        "network": network.name, "link": link, "a": names[0], "b": names[1], "up": state.up,
        "forward": ways[0], "backward": ways[1], "as_file": state == LinkState(),
    }  # fmt: skip


def shape_text(shape: Mapping[str, Any]) -> str:
    """Return the text for a direction's shape."""
    words = [
        f"{key} {UNITS[key].text(value) if key in UNITS else counted(value, 'packet')}"
        for key, value in shape.items()
    ]
    return ", ".join(words) or "not shaped"


def link_line(said: Mapping[str, Any]) -> str:
    """Return one line about a link, from the result of `described`."""
    state = "up" if said["up"] else "down"
    forward, backward = shape_text(said["forward"]), shape_text(said["backward"])
    line = f"{said['a']} -- {said['b']}: {state}"
    if forward == backward:
        return line if forward == "not shaped" else f"{line}, {forward}"
    return f"{line}, -> {forward}, <- {backward}"


def changed_links(network: Network) -> list[dict[str, Any]]:
    """Return the links that were changed on purpose and differ from the file."""
    return [
        described(network, link, state) | {"reshaped": bool(state.forward or state.backward)}
        for link, state in sorted(network.link_changes.items())
        if state != LinkState()
    ]


def change_counts(changed: list[dict[str, Any]]) -> str:
    """Return `1 link down, 2 reshaped` for the result of `changed_links`."""
    down = sum(not link["up"] for link in changed)
    reshaped = sum(link["reshaped"] for link in changed)
    parts = [f"{counted(down, 'link')} down"] if down else []
    if reshaped:
        parts.append(f"{reshaped:,} reshaped" if down else f"{counted(reshaped, 'link')} reshaped")
    return ", ".join(parts)


def all_links(network: Network) -> Iterator[dict[str, Any]]:
    """Yield the data of each link, in the file's order."""
    states = network.link_changes
    for link in range(network.topology.link_count):
        yield described(network, link, states.get(link, LinkState()))
