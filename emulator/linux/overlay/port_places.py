"""`PortPlaces`: how a session changes light ports in the kernel, whichever way carries them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.overlay.shared_ports import SharedPorts
from emulator.linux.overlay.whereabouts import Whereabouts
from topologies.topology import I64


class PortPlaces(Protocol):
    """The light ports of a running network, changed by one thread. A context manager.

    Rows are those of the overlay. Where a port is, the session's `Whereabouts` say.
    """

    def __init__(self, shared: SharedPorts, where: Whereabouts, store: NamespaceStore) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def set_up(self, rows: I64, *, up: bool) -> None:
        """Bring ports up or down."""
        ...

    def take(self, rows: I64) -> None:
        """Remove ports from where they are."""
        ...

    def bring(self, rows: I64, down: npt.NDArray[np.bool_]) -> None:
        """Create removed ports again where they are to be; `down` (bool[k]) tells which are down."""
        ...

    def check(self, row: int, host: int) -> None:
        """Raise UsageError or RefusedError if a port can't move to a compute host."""
        ...

    def move(self, row: int, before: int, after: int, *, up: bool) -> None:
        """Move a port, which is up or down, from one compute host to another; nothing under way is lost."""
        ...

    def lead(self, row: int) -> None:
        """Lead frames for a port that isn't there to where it will be, its place having changed."""
        ...

    def announce(self, row: int, host: int | None) -> None:
        """Lead what is sent to a port to another compute host, where it is lost; None: to where it is."""
        ...

    def take_host(self, node: int) -> None:
        """Remove the ports on a compute host that is removed, and the namespaces of VPCs there."""
        ...

    def add_host(self, node: int, absent: Collection[int]) -> None:
        """Prepare a compute host that is made again for ports; `absent` are devices of removed members."""
        ...

    def restore_hosts(self, hosts: Iterable[int], up: npt.NDArray[np.bool_]) -> None:
        """Restore what compute hosts lost when their uplinks were down or gone; `up` is bool[k] of all."""
        ...
