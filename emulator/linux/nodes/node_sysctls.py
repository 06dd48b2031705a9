"""Sysctls of a new node's namespace, written to /proc/sys before it has any interface.

Opening the same file under /proc/sys/net in thousands of namespaces gets slower each time. The entries of
all namespaces have the same name below the same directory, so they pile up in one chain of the kernel's
dentry hash table. Each mounted procfs has its own entries. So the writes use a separate procfs, mounted
over /proc in the network's private mount namespace, and a new one every 64 nodes. Time of the write to
ip_forward in 1,000 further namespaces (kernel 6.18, 2 cores):

| existing namespaces | plain /proc | own procfs | netlink (per device) |
|---|---|---|---|
| 0 | 0.17 s | 0.055 s | 0.15 s |
| 1,000 | 0.48 s | 0.052 s | 0.05 s |
| 2,000 | 1.08 s | 0.062 s | 0.06 s |

Netlink (IFLA_INET_CONF with IPV4_DEVCONF_FORWARDING, a message per device) is as fast. But it can't set
the multipath hash or IPv6 forwarding, and ip_forward still reads as 0. Each further file costs 12 µs.

New namespaces inherit forwarding from a machine that forwards, as Docker has it. There hosts get
ip_forward 0, which costs 23 µs a host; a message per link would leave future interfaces forwarding.

Each router needs its own multipath hash, but all namespaces share the kernel's. With the same hash
everywhere, the flows that reach a router over one of two paths all leave over the same one of the next two:
half of a fat-tree's cores carry no traffic (hash polarisation). Kernels since 6.11 accept a seed per
namespace. On older kernels, a router hashes one of eight sets of fields; all sets contain the source port.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self
from zlib import crc32

from emulator.errors import KernelError
from emulator.forwarding.spanning_tree import bridging_nodes
from emulator.linux.namespaces import syscalls
from emulator.linux.sysctl import disable_ipv6_here, read
from emulator.plan_part import PlanPart
from topologies.segments import is_routed
from topologies.topology import Kind

_RENEW_AFTER = 64
_NET = "/proc/sys/net/"
_ROUTER4 = (
    ("ipv4/ip_forward", b"1"),
    ("ipv4/conf/all/send_redirects", b"0"),
    ("ipv4/conf/default/send_redirects", b"0"),
)
_ROUTER6 = (
    ("ipv6/conf/all/forwarding", b"1"),
    # a router resolves neighbours from its link-local address, which is unusable until DAD ends
    ("ipv6/conf/default/accept_dad", b"0"),
)
_FORWARDING = (
    "ipv4/ip_forward",
    "ipv4/conf/default/forwarding",
    "ipv6/conf/all/forwarding",
    "ipv6/conf/default/forwarding",
)
"""In the order of writing: the sysctls of all interfaces set those of future ones too."""
_BY_PORTS, _BY_FIELDS = b"1", b"3"
_SOURCE, _TARGET, _PROTOCOL, _SOURCE_PORT, _TARGET_PORT = 1, 2, 4, 16, 32
_FIELDS = tuple(
    _SOURCE_PORT | which
    for which in (
        _SOURCE | _TARGET | _PROTOCOL | _TARGET_PORT,
        _SOURCE | _TARGET | _TARGET_PORT,
        _TARGET | _PROTOCOL | _TARGET_PORT,
        _SOURCE | _PROTOCOL | _TARGET_PORT,
        _TARGET | _TARGET_PORT,
        _SOURCE | _TARGET_PORT,
        _SOURCE | _TARGET | _PROTOCOL,
        _SOURCE | _TARGET,
    )
)
"""Bits of fib_multipath_hash_fields (Documentation/networking/ip-sysctl.rst)."""
_ANY_WAY_BACK = (("ipv4/conf/all/rp_filter", b"0"), ("ipv4/conf/default/rp_filter", b"0"))
"""Reverse-path filter off. With equal-cost paths or a host with several links, the paths of the two
directions may differ, and a strict filter (RFC 3704) drops returning packets.

New namespaces inherit the machine's values, which distributions set to 1 or 2.
"""


class NodeSysctls:
    """Writes the sysctls of a part's new nodes. A context manager, active while nodes are created.

    Enter it, and call `apply`, inside the store's mount namespace.
    """

    def __init__(self, part: PlanPart) -> None:
        topology = part.topology
        self._part = part
        self._router = part.forwarding.is_router
        self._ipv6 = topology.pools.ipv6 is not None
        hosts = topology.kinds[part.nodes] == Kind.HOST
        self._quiet: list[bool] = (~hosts).tolist()  # lists: asked once per node
        several = hosts & (topology.degrees[part.nodes] > 1)
        if not is_routed(topology):  # without routing, a bridging node counts as one port
            several &= ~bridging_nodes(topology)[part.nodes]
        self._several: list[bool] = several.tolist()
        self._filtered: bool | None = None
        self._forwarding: list[tuple[str, bytes]] | None = None
        self._shared_done = False
        self._left = 0
        self._mounted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unmount()

    def apply(self, node: int) -> None:
        """Write the sysctls of `node`; this thread is in its namespace."""
        node_row = self._part.node_row[node]
        if self._part.shared[node_row]:
            if not self._shared_done:  # ports of Open vSwitch have no addresses of any kind
                self._renew()
                disable_ipv6_here()
                self._shared_done = True
            return
        router = self._router(node)
        without_ipv6 = self._quiet[node_row] and not self._ipv6
        filtered = (router or self._several[node_row]) and self._inherits_filter()
        inherited = [] if router else self._inherited()
        if not (router or without_ipv6 or filtered or inherited):
            return
        self._renew()
        _write_all(inherited)
        if without_ipv6:
            disable_ipv6_here()
        if router:
            _write_all(_ROUTER4)
            if self._ipv6:
                _write_all(_ROUTER6)
            self._spread(crc32(self._part.names[node_row].encode()))
        if filtered:
            _write_all(_ANY_WAY_BACK)

    def _inherits_filter(self) -> bool:
        """Return whether new namespaces filter packets by the way back; read once, in the first such node's.

        Sessions begin in threads whose own namespace may be a node's: that one says nothing of new ones.
        """
        if self._filtered is None:
            names = ("all", "default")
            self._filtered = any(read(f"net.ipv4.conf.{name}.rp_filter") != "0" for name in names)
        return self._filtered

    def _inherited(self) -> list[tuple[str, bytes]]:
        """Return what keeps a host from forwarding: nothing, unless new namespaces inherit forwarding.

        They inherit it where the machine forwards, as Docker has it. Read once, in the first host's
        namespace: which values are inherited depends on net.core.devconf_inherit_init_net. Written before
        any interface exists, so that those of users (`ip link add`) don't forward either.
        """
        if self._forwarding is None:
            self._forwarding = []
            for name in _FORWARDING:
                with suppress(FileNotFoundError):  # a kernel without IPv6
                    if read(f"net.{name.replace('/', '.')}") != "0":
                        _write(name, b"0")
                        self._forwarding.append((name, b"0"))
        return self._forwarding

    def _spread(self, number: int) -> None:
        """Hash flows by ports too, with a hash that few other routers have."""
        versions = ("ipv4", "ipv6") if self._ipv6 else ("ipv4",)
        policy = _BY_PORTS
        try:
            _write("ipv4/fib_multipath_hash_seed", str(number or 1).encode())  # applies to IPv6 too
        except FileNotFoundError:
            policy = _BY_FIELDS
            for version in versions:
                fields = str(_FIELDS[number % len(_FIELDS)]).encode()
                _write_all(((f"{version}/fib_multipath_hash_fields", fields),))
        for version in versions:
            _write_all(((f"{version}/fib_multipath_hash_policy", policy),))

    def _renew(self) -> None:
        """Mount a procfs that few nodes have used; if that fails, keep the present one."""
        if self._left:
            self._left -= 1
            return
        self._left = _RENEW_AFTER - 1
        self._unmount()
        with suppress(KernelError):
            flags = syscalls.MS_NOSUID | syscalls.MS_NODEV | syscalls.MS_NOEXEC
            syscalls.mount("proc", "/proc", "proc", flags)
            self._mounted = True

    def _unmount(self) -> None:
        if self._mounted:
            self._mounted = False
            syscalls.umount("/proc", syscalls.MNT_DETACH)


def _write_all(settings: Iterable[tuple[str, bytes]]) -> None:
    for name, value in settings:
        with suppress(FileNotFoundError):  # a kernel without IPv6, or from before multipath policies
            _write(name, value)


def _write(name: str, value: bytes) -> None:
    descriptor = os.open(_NET + name, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value)
    finally:
        os.close(descriptor)
