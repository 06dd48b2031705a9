"""Places in the file of links and their settings, for errors that only the whole graph shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from topologies.errors import Loc
from topologies.matching import link_masks
from topologies.topology import Topology

if TYPE_CHECKING:
    from topologies.spec.rules import LinkRule


def last_rules(
    topology: Topology, rules: Sequence[LinkRule], sets: Callable[[LinkRule], bool]
) -> npt.NDArray[np.int64]:
    """Return the last rule that `sets` something and matches each link, -1 without one: int64[m].

    `topology` has its nodes and links as when the rules were applied.
    """
    origin = np.full(topology.link_count, -1, dtype=np.int64)
    for at, rule in enumerate(rules):
        if sets(rule):
            along, against = link_masks(topology, rule, at)
            origin[along | against] = at
    return origin


def part_of(parts: Mapping[Loc, Any], a: str, b: str, suits: Callable[[Any], bool]) -> tuple[Loc, int | None]:
    """Return the innermost part that has the link of nodes `a` and `b`, and the link's position in it.

    `parts` holds the keys of the file's topology, and of the topologies composed below it, by path. The
    link's options must suit. The position is None for links that come from another file.
    """
    loc: Loc = ("topology",)
    while True:
        for at, (first, second, options) in enumerate(getattr(parts[loc], "links", ())):
            if (first, second) == (a, b) and suits(options):
                return loc, at
        part, _, rest = a.partition(".")
        inner = (*loc, "compose", part)
        if inner not in parts or not b.startswith(f"{part}."):
            return loc, None
        loc, a, b = inner, rest, b[len(part) + 1 :]
