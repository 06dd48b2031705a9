"""VXLAN tunnels between the workers of a plan: numbers, underlay addresses, MTU. Pure.

Each link between two workers is one point-to-point tunnel (RFC 7348) with a VXLAN network identifier (VNI) of
its own: the first VNI of the network, plus the link's rank among all links between workers. So each worker
computes the same numbers from the same plan.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from emulator.placement.worker import Worker

VXLAN_PORT = 4789
"""UDP port of VXLAN (RFC 7348)."""
MOST_VNIS = 1 << 24
"""Number of VNIs: they have 24 bits, and 0 isn't used here."""
_ETHERNET = 1500
_OVERHEAD = {4: 50, 16: 70}
"""Bytes that VXLAN adds to a frame's content, by the length of underlay addresses: Ethernet 14, VXLAN 8,
UDP 8, and IPv4 20 or IPv6 40."""


class TunnelEnd(NamedTuple):
    """One end of a tunnel: its VNI and UDP port, underlay addresses (4 or 16 bytes), and underlay device.

    `device` is the name of an interface in the machine's own namespace; empty where the routes decide.
    """

    vni: int
    port: int
    local: bytes
    remote: bytes
    device: str


@dataclass(frozen=True)
class Underlay:
    """The network that carries a plan's tunnels.

    `vni` is the first VNI, `port` the UDP port of all tunnels, `mtu` the least MTU of the underlay in bytes.
    `addresses` and `devices` are by the workers' numbers; a device is empty where routes decide.
    """

    vni: int
    port: int
    mtu: int
    addresses: tuple[bytes, ...]
    devices: tuple[str, ...]

    @classmethod
    def of(cls, options: Mapping[str, Any], workers: Sequence[Worker]) -> Underlay | None:
        """Return the option `underlay` of a plan, for its `workers`; None without one.

        The option is {"vni": first VNI, "addresses": {worker: address}}, and if needed "port", "mtu" and
        "devices" ({worker: interface}). Addresses are IPv4 or IPv6, all of one kind. ValueError when it isn't
        complete.
        """
        given = options.get("underlay")
        if given is None:
            return None
        lacking = [worker.name for worker in workers if worker.name not in given["addresses"]]
        if lacking:
            raise ValueError(f"no underlay address for {', '.join(lacking)}")
        addresses = tuple(packed(given["addresses"][worker.name]) for worker in workers)
        if len({len(address) for address in addresses}) > 1:
            raise ValueError("underlay addresses are IPv4 and IPv6; write all of one kind")
        devices = given.get("devices", {})
        return cls(
            int(given["vni"]), int(given.get("port", VXLAN_PORT)), int(given.get("mtu", _ETHERNET)),
            addresses, tuple(devices.get(worker.name, "") for worker in workers),
        )  # fmt: skip

    def end(self, rank: int, here: int, there: int) -> TunnelEnd:
        """Return the end at worker `here` of the tunnel with this rank to worker `there`."""
        return TunnelEnd(
            self.vni + rank, self.port, self.addresses[here], self.addresses[there], self.devices[here]
        )

    @property
    def tunnel_mtu(self) -> int:
        """MTU in bytes of the links that the tunnels carry."""
        return self.mtu - _OVERHEAD[len(self.addresses[0])]


def packed(address: str) -> bytes:
    """Return an IPv4 or IPv6 address in 4 or 16 bytes; ValueError when it is neither."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            return socket.inet_pton(family, address)
        except OSError:
            continue
    raise ValueError(f"`{address}` is no IPv4 or IPv6 address")
