"""Timeouts and retries of checks, for links that delay or lose packets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emulator.checks.components import components
from emulator.link_states import States
from topologies.openflow_switches import controllers_of, ovs_nodes
from topologies.profiles import Shape
from topologies.topology import Topology

_ROUNDS, _ASKED_ROUNDS, _LOSSY_ROUNDS = 3, 4, 5
_ASKED = 2.0
"""Additional seconds with a controller: it may answer that late without any loss."""
_JOURNEYS = 2 * 2 * 2
"""Crossings: ARP, then the echo, there and back, between two nodes equally far from a third."""


@dataclass(frozen=True)
class Timeouts:
    """Extra wait in `seconds` beyond a bridge without delays; `delay` is the part due to links.

    `rounds` is the number of rounds in a row without an answer after which none will come.
    """

    seconds: float
    delay: float
    rounds: int


def timeouts_for(topology: Topology, states: States, up: npt.NDArray[np.bool_]) -> Timeouts:
    """Return the timeouts for the shapes of links that are up (bool[m]), some changed to `states`.

    The wait is an upper bound, not a forecast: shortest paths from one node of each component, doubled for
    any two of its nodes. Only probes without an answer wait that long.
    """
    delays = np.array([max(_delay(p.forward), _delay(p.backward)) for p in topology.link_profiles])
    losses = np.array([_loses(p.forward) or _loses(p.backward) for p in topology.link_profiles], dtype=bool)
    delay: npt.NDArray[np.float64] = delays[topology.link_profile].astype(np.float64)
    lossy: npt.NDArray[np.bool_] = losses[topology.link_profile]
    for link, state in states.items():
        ways = [
            topology.shape(link, end) if live is None else live
            for end, live in enumerate((state.forward, state.backward))
        ]
        delay[link], lossy[link] = max(map(_delay, ways)), any(map(_loses, ways))
    farthest = _farthest(topology, up, delay) if delay[up].any() else 0.0
    rounds = _LOSSY_ROUNDS if lossy[up].any() else _ASKED_ROUNDS if ovs_nodes(topology).any() else _ROUNDS
    wait = _JOURNEYS * farthest
    return Timeouts(wait + _ASKED * bool(controllers_of(topology)), wait, rounds)


def _farthest(topology: Topology, up: npt.NDArray[np.bool_], delay: npt.NDArray[np.float64]) -> float:
    """Return the longest of the shortest paths (seconds) from one node of each component to its others.

    Bellman and Ford, all links at once: as many rounds as the longest of these paths has links.
    """
    labels = components(topology, up)
    distance = np.full(topology.node_count, np.inf)
    distance[np.unique(labels, return_index=True)[1]] = 0.0
    a, b, weight = topology.ends[up, 0], topology.ends[up, 1], delay[up]
    while True:
        before = distance.copy()
        np.minimum.at(distance, b, distance[a] + weight)
        np.minimum.at(distance, a, distance[b] + weight)
        if np.array_equal(distance, before):
            return float(distance[np.isfinite(distance)].max(initial=0.0))


def _delay(shape: Shape) -> float:
    return (shape.delay or 0.0) + (shape.jitter or 0.0)


def _loses(shape: Shape) -> bool:
    return bool(shape.loss or shape.corrupt)
