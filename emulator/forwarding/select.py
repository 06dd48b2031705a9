"""Which forwarding a topology uses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import Forwarding
from emulator.forwarding.bridged import BridgedForwarding, deaf_ends
from emulator.forwarding.routed import RoutedForwarding
from topologies.segments import is_routed
from topologies.topology import Topology


def forwarding_for(topology: Topology, up: npt.NDArray[np.bool_] | None = None) -> Forwarding:
    """Return the forwarding of `topology` with the links that are up (bool[m]; None is all)."""
    if is_routed(topology):
        return RoutedForwarding(topology, up)
    return BridgedForwarding(topology, up)


def warnings_for(topology: Topology) -> tuple[str, ...]:
    """Return what people should know of how packets will go in `topology`."""
    return () if is_routed(topology) else tuple(deaf_ends(topology))
