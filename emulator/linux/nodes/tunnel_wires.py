"""Create the ends of tunnels: devices in nodes' namespaces that send from the machine's own namespace.

A VXLAN device sends and receives in the namespace from which it was created (its link namespace), wherever it
is. Created from there with IFLA_NET_NS_FD, it appears in its node at once, and never moves: kernels before
6.15 would create it outside first where IFLA_LINK_NETNSID names the link namespace, under an index and a name
that may be taken there.
"""

from __future__ import annotations

import errno
import socket
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

    def create(
        self, writer: NodeMessages, node: int, namespace_of: Callable[[int], int], *, there: bool = False
    ) -> None:
        """Create the ends of the tunnels of `node`, which exists. With `there`, some may exist already.

        Raises KernelError when the kernel refuses one, UnableError when the underlay device is missing.
        """
        if not writer.has_tunnels(node):
            return
        if self._netlink is None:
            self._open()
        assert self._netlink is not None  # noqa: S101
        batch = writer.tunnels(node, namespace_of(node), self._lower)
        refused = [
            error for error in self._netlink.try_run(batch) if error.errno != errno.EEXIST or not there
        ]
        if refused:
            raise refused[0]
        if there:
            self._require(node, [target for _, target in batch.labels])

    def _require(self, node: int, names: list[str]) -> None:
        """Raise UnableError if one of the devices isn't in its node: something else has its VNI."""
        self._store.go(self._part.namespaces.file(node))
        found = {name for _, name in socket.if_nameindex()}
        for name in names:
            if name not in found:
                raise UnableError(
                    f"the tunnel {name} can't be made: another program has its VNI on this machine; take "
                    "the network down, and choose another first VNI or UDP port"
                )

    def _open(self) -> None:
        device = self._part.tunnel_ends[0].device
        with machine_network():
            if device:
                try:
                    self._lower = socket.if_nametoindex(device)
                except OSError:
                    raise UnableError(f"the underlay device {device} is missing on this machine") from None
            self._netlink = self._stack.enter_context(Netlink())
