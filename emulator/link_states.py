"""What the live changes of a network's links come to."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from emulator.network import LinkState
from topologies.profiles import Shape
from topologies.topology import Topology

States = Mapping[int, LinkState]
"""Of the links that were changed; all others are as the file says."""

_FILE = LinkState()


def links_up(topology: Topology, states: States) -> npt.NDArray[np.bool_]:
    """Return which links are up: bool[m]."""
    up = np.ones(topology.link_count, dtype=bool)
    up[[link for link, state in states.items() if not state.up]] = False
    return up


def effective_shape(topology: Topology, states: States, link: int, end: int) -> Shape:
    """Return how what end `end` of `link` sends is shaped: by a live change, else by the file."""
    changed = states.get(link, _FILE)
    live = changed.backward if end else changed.forward
    return topology.shape(link, end) if live is None else live
