"""Nodes that can reach each other, by the graph alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from emulator.checks.overlay_reach import OverlayReach
from emulator.forwarding.bridged_reach import BridgedReach
from emulator.forwarding.reach import Reach
from emulator.forwarding.routed import RoutedForwarding
from emulator.forwarding.spanning_tree import bridging_nodes
from topologies import graph_arrays
from topologies.segments import is_routed
from topologies.topology import Kind, Topology


def expectation(topology: Topology, up: npt.NDArray[np.bool_]) -> Callable[[int, int, str], bool]:
    """Return a function f(a, b, address): whether node a should get an answer from an address of node b.

    `up` says which links are up: bool[m].
    """
    full, links = topology.underlay, up[: topology.underlay.link_count]
    if is_routed(full):
        answers = Reach(RoutedForwarding(full, links)).answers
    else:
        answers = BridgedReach(full, links).answers
    return answers if full is topology else OverlayReach(topology, up, answers).answers


def components(topology: Topology, up: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return a component number for each node (int64[n]): equal numbers mean that hosts reach each other.

    Forwarding nodes merge everything that they touch. A host that doesn't forward is reached on its first
    link only, which has its address. A host without a link that is up has a number of its own.
    """
    passes = bridging_nodes(topology) | (topology.kinds == Kind.ROUTER)
    a, b = topology.ends[:, 0].astype(np.int64), topology.ends[:, 1].astype(np.int64)
    first_port = (topology.ports == 0) | passes[topology.ends]
    alive = up & first_port.all(axis=1)
    return graph_arrays.components(a[alive], b[alive], topology.node_count)
