"""Run record of one network: name, engine, phase, and changed links."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from emulator.network import LinkState
from topologies.profiles import Shape

FORMAT = 2
"""Version of the record file: 2 has no time of creation."""


@dataclass
class Record:
    """Run record of one network. `phase` is deploying, up or changing; `links` are changed links."""

    name: str
    engine: str
    phase: str = "deploying"
    file: str = ""
    links: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def set_link(self, link: int, state: LinkState) -> None:
        """Write down the state of a link; a state without changes is removed."""
        if state == LinkState():
            self.links.pop(str(link), None)
        else:
            self.links[str(link)] = asdict(state)


def link_states(record: Record) -> dict[int, LinkState]:
    """Return the changed links in `record`, by link index."""
    return {
        int(link): LinkState(
            up=data["up"],
            forward=Shape(**data["forward"]) if data["forward"] else None,
            backward=Shape(**data["backward"]) if data["backward"] else None,
        )
        for link, data in record.links.items()
    }
