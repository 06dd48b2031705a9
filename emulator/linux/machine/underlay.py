"""The machine's end of the underlay: its interfaces, and VXLAN devices that don't belong to us.

All functions look at the network namespace of the calling thread: call them outside of `namespace_guard`.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from emulator.linux.netlink.connection import Netlink
from emulator.linux.observed.parse import Found, FoundInterface
from emulator.linux.observed.read import DumpSelection, read_namespace


class ForeignTunnel(NamedTuple):
    """A VXLAN device of another program: its name, VNI (-1: any, it is `external`) and UDP port."""

    name: str
    vni: int
    port: int


def namespace_number() -> int:
    """Return the inode of this thread's network namespace."""
    return os.stat("/proc/thread-self/ns/net").st_ino


def foreign_tunnels() -> list[ForeignTunnel]:
    """Return the VXLAN devices here. Those that another program moved elsewhere aren't visible."""
    return [
        ForeignTunnel(name, device.tunnel.vni, device.tunnel.port)
        for name, device in _look().interfaces.items()
        if device.tunnel is not None
    ]


def udp_ports() -> frozenset[int]:
    """Return the UDP ports in use here. Those of VXLAN devices count, also if the devices are elsewhere."""
    found: set[int] = set()
    for name in ("udp", "udp6"):
        with suppress(FileNotFoundError):  # a kernel without IPv6
            lines = Path("/proc/thread-self/net", name).read_text(encoding="ascii").splitlines()[1:]
            found.update(int(line.split()[1].rpartition(":")[2], 16) for line in lines)
    return frozenset(found)


def underlay_problems(local: bytes, device: str, mtu: int) -> list[str]:
    """Return why tunnels can't start here at address `local` (4 or 16 bytes) over `device` ("": by routes).

    `mtu` is what the underlay should carry, in bytes.
    """
    found = _look()
    holders = {index for index, packed, _ in found.addresses if packed == local}
    interfaces = {device.ifindex: (name, device) for name, device in found.interfaces.items()}
    if not holders:
        return ["is no address of this machine"]
    if device and device not in found.interfaces:
        return [f"would be reached over {device}, which this machine doesn't have"]
    used: list[tuple[str, FoundInterface]] = (
        [(device, found.interfaces[device])] if device else [interfaces[index] for index in sorted(holders)]
    )
    out = [f"is on {name}, which is down" for name, interface in used if not interface.up]
    narrow = [(name, interface.mtu) for name, interface in used if interface.mtu < mtu]
    return out + [f"is on {name}, whose MTU is {own:,} instead of {mtu:,} bytes" for name, own in narrow]


def _look() -> Found:
    with Netlink() as netlink:
        return read_namespace(netlink, DumpSelection())
