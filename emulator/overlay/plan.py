"""`Overlay`: what carries the light ports: compute hosts, their addresses in the underlay, and namespaces.

A compute host whose ports are all in one address space holds them in its own namespace. Where VPCs with equal
addresses meet on a host, each address space has a namespace of its own there, behind a veth pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from emulator.forwarding.protocol import Forwarding
from emulator.forwarding.routed import RoutedForwarding
from emulator.indices import DEVICE_INDICES, uplink_index
from emulator.node_namespaces import LightNamespaces
from emulator.overlay.light_ports import LightPorts
from topologies.identifiers import mac
from topologies.members import OVERHEAD
from topologies.topology import I64, Topology


class ComputeHost(NamedTuple):
    """A compute host: its uplink's interface index, MAC and address, and the next hop's MAC.

    `vtep` is its address in the underlay in host byte order, in a subnet with a prefix of `length` bits;
    `gateway` is empty where the underlay is one subnet. `mtu` is that of its ports.
    """

    node: int
    uplink: int
    vtep: int
    length: int
    mac: bytes
    gateway: bytes
    mtu: int


class Tenant(NamedTuple):
    """A namespace for one address space on a compute host; `device` is its veth end in the host's."""

    host: int
    space: int
    device: int
    file: str


class Member(NamedTuple):
    """A full host of a VPC, in an address space; `device` is the end of its link at its compute host."""

    node: int
    host: int
    space: int
    device: int


@dataclass(frozen=True)
class Overlay:
    """The ports of VPCs of a plan. `underlay` is the topology below them, with its `forwarding`.

    `here` are the compute hosts on this machine, None for all. Its maps have the ports of all machines: their
    places are by compute host. Only the namespaces are those of this machine.
    """

    ports: LightPorts
    underlay: Topology
    forwarding: Forwarding
    here: frozenset[int] | None = None

    @cached_property
    def hosts(self) -> dict[int, ComputeHost]:
        """The compute hosts by node, ascending."""
        return {node: self._host(node) for node in self.underlay.carriers.tolist()}

    @cached_property
    def hosts_here(self) -> dict[int, ComputeHost]:
        """The compute hosts on this machine by node, ascending."""
        if self.here is None:
            return self.hosts
        return {node: host for node, host in self.hosts.items() if node in self.here}

    def _host(self, node: int) -> ComputeHost:
        topology = self.underlay
        (link, _, port), *_ = topology.incident(node)
        address = next(one for one in self.forwarding.addresses(node) if one.version == 4)
        mtu = topology.link_profile_of(link).effective_mtu - OVERHEAD
        own = mac(topology, node, port)
        return ComputeHost(
            node, uplink_index(node), address.value, address.length, own, self._gateway(node), mtu
        )

    def _gateway(self, node: int) -> bytes:
        """Return the MAC of the router behind which other subnets of the underlay are; empty without one."""
        if not isinstance(self.forwarding, RoutedForwarding):
            return b""
        found = self.forwarding.gateway(node)
        if found is None:
            return b""
        members = self.forwarding.addressing.segments.members
        return mac(self.underlay, int(members.node[found[1]]), int(members.port[found[1]]))

    @cached_property
    def tenants(self) -> tuple[Tenant, ...]:
        """The namespaces of address spaces on hosts that have several, by host and space."""
        names = self.underlay.names
        pairs = self.ports.tenants
        found = sorted((f".{names[host]}.{space}", host, space) for host, space in pairs.tolist())
        used: set[int] = set()
        out = []
        for file, host, space in found:
            number = crc32(file.encode()) % DEVICE_INDICES
            while number in used:
                number = (number + 1) % DEVICE_INDICES
            used.add(number)
            out.append(Tenant(host, space, uplink_index(DEVICE_INDICES) + number, file))
        return tuple(sorted(out))

    @cached_property
    def tenants_here(self) -> tuple[Tenant, ...]:
        """Those of `tenants` on this machine."""
        return tuple(tenant for tenant in self.tenants if tenant.host in self.hosts_here)

    def tenants_of(self, host: int) -> list[Tenant]:
        """Return the namespaces of address spaces on a compute host."""
        return self._tenants_of.get(host, [])

    @cached_property
    def _tenants_of(self) -> dict[int, list[Tenant]]:
        out: dict[int, list[Tenant]] = {}
        for tenant in self.tenants:
            out.setdefault(tenant.host, []).append(tenant)
        return out

    def file_behind(self, device: int) -> str:
        """Return the file of the namespace of the ports behind `device`; KeyError for another device."""
        return self._files[device]

    @cached_property
    def _files(self) -> dict[int, str]:
        names = self.underlay.names
        own = {host.uplink: names[host.node] for host in self.hosts.values()}
        own |= {member.device: self.ports.names[member.node] for member in self.members}
        return own | {tenant.device: tenant.file for tenant in self.tenants}

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The full hosts of VPCs, by row."""
        count, first = self.ports.members, self.ports.first
        rows = zip(self.ports.host[:count].tolist(), self.ports.space[:count].tolist(), strict=True)
        return tuple(
            Member(first + row, host, space, uplink_index(first + row))
            for row, (host, space) in enumerate(rows)
        )

    @property
    def behind(self) -> tuple[Tenant | Member, ...]:
        """What is behind a device of a compute host: namespaces of tenants, and members."""
        return (*self.tenants, *self.members)

    def members_of(self, host: int) -> list[Member]:
        """Return the members behind a compute host."""
        return self._members_of.get(host, [])

    @cached_property
    def _members_of(self) -> dict[int, list[Member]]:
        out: dict[int, list[Member]] = {}
        for member in self.members:
            out.setdefault(member.host, []).append(member)
        return out

    @cached_property
    def is_behind_device(self) -> npt.NDArray[np.bool_]:
        """Ports that aren't in the stack of their compute host, but behind a device there: bool[k]."""
        behind = np.asarray(self.tenant >= 0)
        behind[: self.ports.members] = True
        return behind

    @cached_property
    def spaces_of_host(self) -> dict[int, int]:
        """The address space of each host whose light ports have one; -1 for hosts with several or none."""
        pairs = self.ports.pairs
        out = dict.fromkeys(self.hosts, -1)
        out.update(zip(pairs[:, 0].tolist(), pairs[:, 1].tolist(), strict=True))
        out.update(dict.fromkeys(self.ports.tenants[:, 0].tolist(), -1))
        return out

    @cached_property
    def device(self) -> npt.NDArray[np.uint32]:
        """Index of the device behind which each port lives: its host's uplink, or its tenant's device."""
        device = (self.ports.host.astype(np.int64) + uplink_index(0)).astype(np.uint32)
        row = self.tenant
        inside = row >= 0
        if inside.any():
            devices = np.array([tenant.device for tenant in self.tenants], dtype=np.uint32)
            device[inside] = devices[row[inside]]
        device[: self.ports.members] = [member.device for member in self.members]
        return device

    @cached_property
    def tenant(self) -> I64:
        """Row in `tenants` of each port's namespace, -1 for its host's own: int64[k]."""
        if not self.tenants:
            return np.full(len(self.ports), -1, dtype=np.int64)
        keys = np.array([tenant.host << 32 | tenant.space for tenant in self.tenants], dtype=np.int64)
        wide = self.ports.host.astype(np.int64) << 32 | self.ports.space
        row = np.searchsorted(keys, wide)
        row[row == len(keys)] = 0
        out = np.where(keys[row] == wide, row, -1)
        out[: self.ports.members] = -1
        return out

    @property
    def namespaces(self) -> LightNamespaces:
        """The namespaces of the light ports."""
        light, files = self.ports.light, tuple(tenant.file for tenant in self.tenants)
        return LightNamespaces(self.ports.host[light], self.tenant[light], files)

    @cached_property
    def vtep(self) -> npt.NDArray[np.uint32]:
        """Underlay address of each port's host, in host byte order: uint32[k]."""
        table = np.zeros(self.underlay.node_count, dtype=np.uint32)
        for host in self.hosts.values():
            table[host.node] = host.vtep
        return table[self.ports.host]
