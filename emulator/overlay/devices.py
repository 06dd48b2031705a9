"""Light ports with a device of their own, by namespace: what the data path without BPF needs to know. Pure.

Each VPC has a namespace on each of its compute hosts. In it are a VXLAN device of the VPC, whose packets
leave from the compute host, and a macvlan on it for each port.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from emulator.indices import port_index
from emulator.overlay.plan import Overlay, Tenant
from topologies.topology import I64

DEVICE_MTU = 1279
"""Largest MTU of a port: below that of IPv6 (1,280) the kernel makes no IPv6 state, half of its memory."""


def device_name(number: int) -> str:
    """Return the name of the macvlan of the port with this number at its compute host."""
    return f"p{number}"


class PortRow(NamedTuple):
    """A port: its row, the index (`device`) and name of its macvlan, its address and MAC."""

    row: int
    device: int
    name: str
    address: bytes
    mac: bytes


class FarPort(NamedTuple):
    """A port of the VPC on another compute host, with the underlay address of that one."""

    address: bytes
    mac: bytes
    vtep: bytes


class DevicePorts:
    """The ports of `overlay` by the namespace of their VPC."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay

    @cached_property
    def _by_vpc(self) -> tuple[I64, I64]:
        """Rows in the order of their VPCs, and the start of each VPC's."""
        vpc = self._overlay.ports.vpc
        order = np.argsort(vpc, kind="stable")
        return order, np.searchsorted(vpc[order], np.arange(len(self._overlay.ports.vpcs.names) + 1))

    def _rows(self, vpc: int) -> I64:
        order, start = self._by_vpc
        return order[start[vpc] : start[vpc + 1]]

    def own(self, tenant: Tenant) -> list[PortRow]:
        """Return the ports in a namespace, in the order of their numbers at the compute host."""
        ports, rows = self._overlay.ports, self._rows(tenant.space)
        here = rows[ports.host[rows] == tenant.host]
        found = zip(here.tolist(), ports.host_port[here].tolist(), strict=True)
        return [self.port(row, number) for row, number in sorted(found, key=lambda one: one[1])]

    def port(self, row: int, number: int) -> PortRow:
        """Return the port of a row, which has this number at its compute host."""
        ports = self._overlay.ports
        address = int(ports.address[row]).to_bytes(4)
        return PortRow(row, port_index(number), device_name(number), address, ports.mac[row].tobytes())

    def far(self, tenant: Tenant) -> list[FarPort]:
        """Return the other ports of a namespace's VPC."""
        ports, rows = self._overlay.ports, self._rows(tenant.space)
        away = rows[ports.host[rows] != tenant.host]
        vteps = self._overlay.vtep[away].tolist()
        return [
            FarPort(int(address).to_bytes(4), mac.tobytes(), vtep.to_bytes(4))
            for address, mac, vtep in zip(ports.address[away], ports.mac[away], vteps, strict=True)
        ]

    def networks(self, tenant: Tenant) -> list[tuple[bytes, int]]:
        """Return the subnets of a namespace's VPC, as packed address and prefix length."""
        subnets = self._overlay.ports.vpcs.subnets
        return [(one.base.to_bytes(4), one.length) for one in subnets if one.vpc == tenant.space]
