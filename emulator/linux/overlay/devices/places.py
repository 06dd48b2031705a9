"""Light ports with devices in a session: their changes are netlink messages in the namespaces of VPCs."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.release import release_named
from emulator.linux.overlay.devices.network import DeviceNetwork
from emulator.linux.overlay.devices.port_changes import PortChanges, Seat, TenantSockets
from emulator.linux.overlay.shared_ports import SharedPorts
from emulator.linux.overlay.whereabouts import Whereabouts
from emulator.overlay.migration import destination
from topologies.topology import I64


class DevicePlaces:
    """Implements `PortPlaces`."""

    def __init__(self, shared: SharedPorts, where: Whereabouts, store: NamespaceStore) -> None:
        self._overlay, self._where, self._store = shared.overlay, where, store
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._sockets = self._stack.enter_context(TenantSockets(self._store))
        self._changes = PortChanges(self._overlay, self._sockets)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _seat(self, row: int) -> Seat:
        return self._changes.seat(row, self._where.moved.get(row))

    def set_up(self, rows: I64, *, up: bool) -> None:
        """Bring ports up or down."""
        self._changes.set_up(map(self._seat, rows.tolist()), up=up)

    def take(self, rows: I64) -> None:
        """Remove ports from where they are."""
        self._changes.take(map(self._seat, rows.tolist()))

    def bring(self, rows: I64, down: npt.NDArray[np.bool_]) -> None:
        """Create removed ports again where they are to be; `down` (bool[k]) tells which are down."""
        self._changes.bring(zip(map(self._seat, rows.tolist()), (~down).tolist(), strict=True))

    def check(self, row: int, host: int) -> None:
        """Raise UsageError or RefusedError if a port can't move to a compute host."""
        destination(self._overlay, row, host)

    def move(self, row: int, before: int, after: int, *, up: bool) -> None:
        """Move a port from one compute host to another."""
        self._changes.move(self._changes.seat(row, before), self._changes.seat(row, after), up=up)

    def lead(self, row: int) -> None:
        """Lead frames for a port that isn't there to where it will be."""
        seat = self._seat(row)
        self._changes.lead(seat, [one for one in self._overlay.tenants_here if one != seat.tenant])

    def announce(self, row: int, host: int | None) -> None:
        """Lead what is sent to a port to another compute host, where it is lost; None: to where it is."""
        own = self._seat(row).tenant
        there = self._changes.seat(row, self._where.moved.get(row) if host is None else host)
        self._changes.lead(there, [one for one in self._overlay.tenants_here if one != own])

    def take_host(self, node: int) -> None:
        """Remove the namespaces of VPCs on a compute host that is removed, with the ports there."""
        files = [tenant.file for tenant in self._overlay.tenants_of(node)]
        for file in files:
            self._sockets.forget(file)
        release_named(self._store, dict(zip(files, files, strict=True)))

    def add_host(self, node: int, absent: Collection[int]) -> None:
        """Make the namespaces of VPCs on a compute host that is made again, without ports."""
        del absent  # these networks have no members
        up = np.ones(len(self._overlay.ports), dtype=bool)
        network, tenants = DeviceNetwork(self._overlay, up, self._store), self._overlay.tenants_of(node)
        for tenant in tenants:
            network.fill(tenant)
        for row in self._where.moved:
            self._changes.lead(
                self._seat(row), [one for one in tenants if one.host != self._where.host_of(row)]
            )

    def restore_hosts(self, hosts: Iterable[int], up: npt.NDArray[np.bool_]) -> None:
        """Restore nothing: what carries the ports is in their own namespaces, and stays."""
