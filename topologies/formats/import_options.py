"""Options of an imported topology, and the numbering of its distinct values."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from topologies.formats.graph import FormatError

MAX_PROFILES = 2**16
"""Distinct link or node profiles; their numbers are uint16."""


@dataclass(frozen=True)
class Options:
    """Keys of the topology file besides the graph itself.

    `delay_from` is "coordinates" or the name of an edge attribute, `bandwidth_from` the name of one.
    """

    hosts_per_node: int = 0
    delay_from: str | None = None
    bandwidth_from: str | None = None
    drop_external: bool = False
    drop_self_loops: bool = False


@dataclass
class Numbering:
    """Numbers of distinct values in order of appearance, at most `most` of them."""

    what: str
    most: int
    rows: dict[Any, int] = field(default_factory=dict)

    def number(self, value: Hashable, line: int = 0) -> int:
        """Return the number of `value`; FormatError when there are too many different values."""
        number = self.rows.setdefault(value, len(self.rows))
        if number >= self.most:
            raise FormatError(f"has more than {self.most:,} different {self.what}; use fewer", line)
        return number
