"""Light ports of BPF programs in a session: their changes are stores into the memory of maps."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.release import release_named
from emulator.linux.overlay.create import prepare_hosts
from emulator.linux.overlay.find import open_maps
from emulator.linux.overlay.maps import DOWN, place
from emulator.linux.overlay.port_table import PortTable
from emulator.linux.overlay.programs import load_programs
from emulator.linux.overlay.recent_moves import RecentMoves
from emulator.linux.overlay.repair import restore_hosts
from emulator.linux.overlay.shared_ports import SharedPorts
from emulator.linux.overlay.whereabouts import Whereabouts
from emulator.network import silent
from emulator.overlay.migration import destination
from topologies.topology import I64


class MapPlaces:
    """Implements `PortPlaces`."""

    def __init__(self, shared: SharedPorts, where: Whereabouts, store: NamespaceStore) -> None:
        self._shared, self._where, self._store = shared, where, store
        self._overlay = shared.overlay
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._maps = self._stack.enter_context(open_maps(self._overlay, self._store))
        self._table = PortTable(self._maps)
        self._recent = RecentMoves(self._table)
        self._stack.callback(self._recent.settle)
        self._slots = self._shared.slots(self._table)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def set_up(self, rows: I64, *, up: bool) -> None:
        """Bring ports up or down."""
        self._table.set_up(self._slots[rows], up=up)

    def take(self, rows: I64) -> None:
        """Remove ports, wherever they are."""
        self._table.remove(self._slots[rows])

    def bring(self, rows: I64, down: npt.NDArray[np.bool_]) -> None:
        """Write removed ports again."""
        ports, moved = self._shared.records[rows], self._where.moved
        ports["flags"][down] |= DOWN
        for at in [at for at, row in enumerate(rows.tolist()) if row in moved] if moved else ():
            row = int(rows[at])
            ports["place"][at] = place(*destination(self._overlay, row, moved[row]))[()]
        self._table.put(self._slots[rows], ports)

    def check(self, row: int, host: int) -> None:
        """Raise UsageError or RefusedError if a port can't move to a compute host."""
        destination(self._overlay, row, host)

    def move(self, row: int, before: int, after: int, *, up: bool) -> None:
        """Move a port to another compute host; nothing under way is lost, and it stays up or down."""
        del before, up
        device, vtep = destination(self._overlay, row, after)
        self._table.migrate(self._slots[row : row + 1], device, vtep)
        self._recent.note(int(self._slots[row]))

    def lead(self, row: int) -> None:
        """Do nothing: the place is written with the port."""

    def announce(self, row: int, host: int | None) -> None:
        """Lead what is sent to a port to another compute host, where it is lost; None: to where it is."""
        slot, home = int(self._slots[row]), destination(self._overlay, row, self._where.host_of(row))
        self._recent.forget(slot)
        if host is None:
            self._table.lead_home(slot, home)
        else:
            self._table.send_astray(slot, home, destination(self._overlay, row, host))

    def take_host(self, node: int) -> None:
        """Remove the ports on a compute host, and the namespaces of address spaces there."""
        self.take(self._where.rows_on(node))
        files = [tenant.file for tenant in self._overlay.tenants_of(node)]
        release_named(self._store, dict(zip(files, files, strict=True)))

    def add_host(self, node: int, absent: Collection[int]) -> None:
        """Attach the programs in a compute host, and make the namespaces of its tenants."""
        with load_programs(self._maps) as programs:
            host = self._overlay.hosts[node]
            prepare_hosts(self._overlay, programs, [host], self._store, silent, absent=absent)

    def restore_hosts(self, hosts: Iterable[int], up: npt.NDArray[np.bool_]) -> None:
        """Restore what compute hosts lost when their uplinks were down or gone."""
        restore_hosts(self._overlay, up, self._maps, self._store, hosts)
