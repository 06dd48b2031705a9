"""Counters of a port's macvlan, as the kernel reports them with its device."""

from __future__ import annotations

import struct

from emulator.tasks import PORT_COUNTERS

IFLA_STATS64 = 23
_COUNTERS = struct.Struct("=8Q")
NO_COUNTERS = (0,) * len(PORT_COUNTERS)


def port_counters(about: dict[int, bytes]) -> tuple[int, ...]:
    """Return what `PORT_COUNTERS` names, from the attributes of a device (`rtnl_link_stats64`)."""
    stats = about.get(IFLA_STATS64, bytes(_COUNTERS.size))
    rx, tx, rx_bytes, tx_bytes, _, _, rx_dropped, tx_dropped = _COUNTERS.unpack_from(stats)
    return rx, rx_bytes, tx, tx_bytes, rx_dropped + tx_dropped
