"""Create the ends of tunnels: devices in nodes' namespaces that send from the machine's own namespace.

A VXLAN device sends and receives in the namespace from which it was created (its link namespace), wherever it
is. Created from there with IFLA_NET_NS_FD, it appears in its node at once, and never moves: kernels before
6.15 would create it outside first where IFLA_LINK_NETNSID names the link namespace, under an index and a name
that may be taken there.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from emulator.errors import UnableError
from emulator.linux.namespaces.guard import machine_network
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink.connection import Netlink
from emulator.linux.nodes.node_messages import NodeMessages
from emulator.plan_part import PlanPart

_PATIENCE, _PAUSE = 2.0, 0.02
"""Seconds until a VNI must be free, and between two attempts."""


class TunnelWires:
    """Creates the ends of a part's tunnels. A context manager; enter it inside the store's mounts."""

    def __init__(self, part: PlanPart, store: NamespaceStore) -> None:
        self._part, self._store = part, store
        self._stack = ExitStack()
        self._netlink: Netlink | None = None
        self._lower = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def create(self, writer: NodeMessages, node: int, namespace_of: Callable[[int], int]) -> None:
        """Create the ends of the tunnels of `node`, which exists; those that exist already stay.

        The kernel may still be destroying a device that had the same VNI, so a VNI may be in use for two
        seconds. Leaves this thread in any namespace of the store. Raises KernelError when the kernel refuses
        an end, UnableError when the underlay device is missing or another program has the VNI.
        """
        if not writer.has_tunnels(node):
            return
        if self._netlink is None:
            self._open()
        assert self._netlink is not None  # noqa: S101
        batch = writer.tunnels(node, namespace_of(node), self._lower)
        deadline = time.monotonic() + _PATIENCE
        while errors := self._netlink.try_run(batch):
            for error in errors:
                if error.errno != errno.EEXIST:
                    raise error
            missing = self._missing(node, [target for _, target in batch.labels])
            if not missing:
                return
            if time.monotonic() > deadline:
                raise UnableError(
                    f"the tunnel {missing[0]} can't be made ({errors[0]}): a program whose devices aren't "
                    "visible here, such as Docker, has its VNI; choose another first VNI, or another UDP port"
                )
            time.sleep(_PAUSE)

    def _missing(self, node: int, names: list[str]) -> list[str]:
        """Return the interfaces of `names` that the node doesn't have."""
        self._store.go(self._part.namespaces.file(node))
        found = {name for _, name in socket.if_nameindex()}
        return [name for name in names if name not in found]

    def _open(self) -> None:
        device = self._part.tunnel_ends[0].device
        with machine_network():
            if device:
                try:
                    self._lower = socket.if_nametoindex(device)
                except OSError:
                    raise UnableError(f"the underlay device {device} is missing on this machine") from None
            self._netlink = self._stack.enter_context(Netlink())
