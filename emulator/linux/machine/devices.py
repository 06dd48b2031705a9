"""Network devices and their addresses in this thread's namespace."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from emulator.linux.observed.read import DumpSelection, read_here

_LOOPBACK = "lo"


@dataclass(frozen=True)
class NetworkDevice:
    """A device by name: `mtu` in bytes; `addresses` as text, without those of one link (fe80::)."""

    name: str
    mtu: int
    up: bool
    addresses: tuple[str, ...]


def network_devices() -> list[NetworkDevice]:
    """Return the devices of this namespace except loopback, by index."""
    found = read_here(DumpSelection())
    addresses: dict[int, list[str]] = {}
    for index, packed, _ in found.addresses:
        address = ip_address(packed)
        if not address.is_link_local:
            addresses.setdefault(index, []).append(str(address))
    devices = sorted(found.interfaces.items(), key=lambda item: item[1].ifindex)
    return [
        NetworkDevice(name, one.mtu, one.up, tuple(sorted(addresses.get(one.ifindex, ()))))
        for name, one in devices
        if name != _LOOPBACK
    ]
