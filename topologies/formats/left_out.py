"""Notes of what an imported file says and the topology leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from topologies.formats.graph import Attributes

_SHOWN = 3


@dataclass
class LeftOut:
    """Things that aren't taken over, with the names of the nodes and links that have them.

    `hints` tell what to write instead, by the thing.
    """

    hints: Mapping[str, str]
    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, thing: str, name: str = "") -> None:
        """Note that `thing` of `name` isn't taken over, or of the whole file."""
        self.found.setdefault(thing, []).append(name)

    def notes(self) -> tuple[str, ...]:
        """Return a line for each thing."""
        out = []
        for thing, names in self.found.items():
            different = list(dict.fromkeys(names))
            more = f" and {len(different) - _SHOWN:,} more" if len(different) > _SHOWN else ""
            of = f" of {', '.join(different[:_SHOWN])}{more}" if different != [""] else ""
            hint = self.hints.get(thing.strip("`"))
            out.append(f"not taken over: {thing}{of}{f' ({hint})' if hint else ''}")
        return tuple(out)


def without_computed_routes(nodes: dict[str, Attributes], left_out: LeftOut) -> dict[str, Attributes]:
    """Return `nodes` without routes where a router is: the network computes them then.

    A gateway that is no address of the file is noted.
    """
    if not any(attributes["kind"] == "router" for attributes in nodes.values()):
        return nodes
    known = {word.partition("/")[0] for each in nodes.values() for word in str(each.get("ip", "")).split()}
    for name, attributes in nodes.items():
        if attributes.get("gateway") not in (None, *known):
            left_out.add("default route", name)
    return {
        name: {key: value for key, value in attributes.items() if key not in ("gateway", "routes")}
        for name, attributes in nodes.items()
    }
