"""Time that a packet takes to cross each link, by the shapes of its two directions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emulator.link_states import States, effective_shape
from topologies.profiles import Shape
from topologies.topology import Topology

Times = npt.NDArray[np.float64]
"""Seconds, float64[…, 3]: columns LOW, HIGH and ROOM."""
LOW, HIGH, ROOM = range(3)
"""Columns: least and greatest delay that the shapes ask for, and what may be added to it unasked."""

_FORWARDING = 1e-4
"""Seconds for a node to pass a packet on; Open vSwitch's userspace datapath takes about as long."""
_BITS = 8 * 1500.0
"""Bits ahead of a probe where a link has a bandwidth: a dozen probes, or one packet of another's."""


def crossing_times(topology: Topology, states: States) -> Times:
    """Return the times of what each end of each link sends: float64[m, 2, 3].

    `states` are the changed links.
    """
    profiles = [[_times(p.forward), _times(p.backward)] for p in topology.link_profiles]
    times = np.array(profiles, dtype=np.float64).reshape(-1, 2, 3)[topology.link_profile]
    for link in states:
        times[link] = [_times(effective_shape(topology, states, link, end)) for end in (0, 1)]
    return times


def _times(shape: Shape) -> tuple[float, float, float]:
    """Return the columns of one direction; netem sends reordered packets at once, without their delay."""
    delay, jitter = shape.delay or 0.0, shape.jitter or 0.0
    low = 0.0 if shape.reorder else max(0.0, delay - jitter)
    return low, delay + jitter, _FORWARDING + (_BITS / shape.bandwidth if shape.bandwidth else 0.0)
