"""Change light ports with devices of a running network to another plan; what stays goes on undisturbed."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

import numpy as np

from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.overlay.devices.network import DeviceNetwork
from emulator.linux.overlay.gone import release_gone_ports, release_gone_tenants
from emulator.overlay.difference import OverlayDifference


class DeviceChange:
    """Change from one overlay of ports with devices to another, by the steps of `OverlayChange`.

    The kernel is compared with the new plan, item by item, and led there: these networks are small. All ports
    are up, before and after.
    """

    def __init__(self, difference: OverlayDifference, store: NamespaceStore) -> None:
        self._difference, self._store = difference, store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""

    def begin(self) -> None:
        """End the processes of ports that go."""
        release_gone_ports(self._difference, self._store)

    def finish(self, check: Callable[[], None]) -> None:
        """Lead the namespaces of VPCs to the new plan, once the full nodes are there. Raises KernelError."""
        release_gone_tenants(self._difference, self._store)
        new = self._difference.new
        if new is None:
            return
        network = DeviceNetwork(new, np.ones(len(new.ports), dtype=bool), self._store)
        network.repair(network.damage(check), check)
