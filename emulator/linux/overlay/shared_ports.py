"""What all sessions of one network know of its light ports, computed once: tens of MiB for a million."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from emulator.errors import UsageError
from emulator.linux.overlay.port_table import PortTable, records
from emulator.overlay.plan import Overlay
from topologies.topology import I64


class SharedPorts:
    """The light ports of `overlay` by compute host, their slots, and how they are written when all are up."""

    def __init__(self, overlay: Overlay) -> None:
        self.overlay = overlay
        self._slots: I64 | None = None

    def slots(self, table: PortTable) -> I64:
        """Return the slot of each port: int64[k]. They stay while the network runs unchanged."""
        if self._slots is None:
            self._slots = table.slots(self.overlay)
        return self._slots

    @cached_property
    def records(self) -> npt.NDArray[Any]:
        """Each port as it is written when it is new and up: PORT[k]."""
        return records(self.overlay, slice(None), np.ones(len(self.overlay.ports), dtype=bool))

    def on(self, host: int) -> I64:
        """Return the rows of the ports that the plan has on a compute host, in the order of their numbers."""
        order, start = self._by_host
        return order[start[host] : start[host + 1]]

    @cached_property
    def _by_host(self) -> tuple[I64, I64]:
        """Rows by compute host in the order of their port numbers, and the start of each node's."""
        ports = self.overlay.ports
        order = np.lexsort((ports.host_port, ports.host))
        return order, np.searchsorted(ports.host[order], np.arange(ports.first + ports.members + 1))

    def row_of(self, node: int, port: int) -> int | None:
        """Return the row of the light port that `port` of `node` is, None for a port between full nodes.

        UsageError for a port that a compute host doesn't have.
        """
        overlay = self.overlay
        if node >= overlay.ports.first + overlay.ports.members:
            return node - overlay.ports.first
        full = (
            int(overlay.underlay.degrees[node]) + len(overlay.members_of(node))
            if node in overlay.hosts
            else 0
        )
        if port < full or not full:
            return None
        rows = self.on(node)
        numbers = overlay.ports.host_port[rows]
        at = int(np.searchsorted(numbers, port))
        if at == len(rows) or numbers[at] != port:
            raise UsageError(f"{overlay.underlay.names[node]} has no port {port}")
        return int(rows[at])
