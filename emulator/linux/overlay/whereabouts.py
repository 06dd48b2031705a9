"""On which compute host each light port is during a session, which moves some."""

from __future__ import annotations

import numpy as np

from emulator.linux.overlay.shared_ports import SharedPorts
from topologies.topology import I64


class Whereabouts:
    """The compute hosts of ports; `moved` has those (row -> host) that aren't where the plan has them."""

    def __init__(self, shared: SharedPorts) -> None:
        self._shared = shared
        self.moved: dict[int, int] = {}

    def host_of(self, row: int) -> int:
        """Return the compute host on which a port is now, or would be."""
        return self.moved.get(row, int(self._shared.overlay.ports.host[row]))

    def set_host(self, row: int, host: int | None) -> None:
        """Note that a port is on another compute host than the plan has it on; None: it is there."""
        if host is None:
            self.moved.pop(row, None)
        else:
            self.moved[row] = host

    def rows_on(self, host: int) -> I64:
        """Return the rows of the ports that are on a compute host now, or would be."""
        rows = self._shared.on(host)
        if not self.moved:
            return rows
        stay = [row for row in rows.tolist() if self.host_of(row) == host]
        return np.array([*stay, *(row for row, at in self.moved.items() if at == host)], dtype=np.int64)
