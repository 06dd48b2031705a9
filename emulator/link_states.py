"""Effect of changes to a running network's links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import numpy.typing as npt

from emulator.network import LinkState
from topologies.profiles import Shape
from topologies.topology import Topology

States = Mapping[int, LinkState]
"""States of changed links; all others are as in the file."""

_FILE = LinkState()


def links_up(topology: Topology, states: States) -> npt.NDArray[np.bool_]:
    """Return which links are up: bool[m]."""
    up = np.ones(topology.link_count, dtype=bool)
    up[[link for link, state in states.items() if not state.up]] = False
    return up


def reapply_shapes(
    links: Iterable[int], states_now: Callable[[], States], shape: Callable[[States, list[int]], None]
) -> None:
    """Call `shape(states, links)` for links that were created again and have changed shapes.

    The call is repeated if shapes changed meanwhile: commands that change a missing link rely on this one.
    """
    made = frozenset(links)
    done: dict[int, LinkState] = {}
    while (live := {link: s for link, s in states_now().items() if link in made and _is_shaped(s)}) != done:
        shape(live, sorted({*done, *live}))
        done = live


def _is_shaped(state: LinkState) -> bool:
    return state.forward is not None or state.backward is not None


def effective_shape(topology: Topology, states: States, link: int, end: int) -> Shape:
    """Return the shape of what end `end` of `link` sends: a live change, else the file's."""
    changed = states.get(link, _FILE)
    live = changed.backward if end else changed.forward
    return topology.shape(link, end) if live is None else live
