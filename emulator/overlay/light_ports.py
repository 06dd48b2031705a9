"""`LightPorts`: all ports of VPCs in columns: of members, then light ones."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from topologies.light_devices import has_devices, meetings
from topologies.names import Names
from topologies.topology import I32, I64, Topology
from topologies.vpcs import U32, Vpcs

U8 = npt.NDArray[np.uint8]


class LightPorts:
    """The ports of VPCs of `topology`, k rows: row r is node `first + r`. The first `members` are members.

    `host` int32[k] is the compute host, `vpc` int64[k], `subnet` int32[k], `space` int64[k] the address
    space, `address` uint32[k] in host byte order.
    """

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self.vpcs: Vpcs = topology.vpcs or Vpcs((), (), np.zeros(0, dtype=np.int32))
        self.first = topology.underlay.node_count
        self.first_link = topology.underlay.link_count
        self.members = topology.full.node_count - self.first
        self.host: I32 = topology.compute_hosts
        self.subnet: I32 = self.vpcs.of_node[self.first :]

    def __len__(self) -> int:
        return len(self.host)

    @property
    def light(self) -> slice:
        """The rows of light ports."""
        return slice(self.members, None)

    @property
    def names(self) -> Names:
        """The names of all nodes."""
        return self._topology.names

    @cached_property
    def key(self) -> npt.NDArray[np.uint64]:
        """Address space and address of each port as one number: uint64[k]. Unique in a network."""
        return self.space.astype(np.uint64) << np.uint64(32) | self.address

    @cached_property
    def vpc(self) -> I64:
        """The VPC of each port."""
        return self.vpcs.vpc_of_subnet[self.subnet]

    @cached_property
    def devices(self) -> bool:
        """Whether the ports have devices of their own; then each VPC is an address space of its own."""
        return has_devices(self._topology)

    @cached_property
    def space(self) -> I64:
        """The address space of each port."""
        return self.vpc if self.devices else self.vpcs.spaces[self.vpc]

    @cached_property
    def _meetings(self) -> tuple[I64, I64]:
        return meetings(self._topology)

    @property
    def pairs(self) -> I64:
        """All pairs of compute host and address space, ascending: int64[p, 2]; some may have no port."""
        return self._meetings[0]

    @property
    def tenants(self) -> I64:
        """The pairs that are a namespace: of hosts with several address spaces, or all (`devices`)."""
        return self._meetings[1]

    @cached_property
    def vni(self) -> U32:
        """The VXLAN network identifier of each port."""
        return (self.vpc + 1).astype(np.uint32)

    @property
    def address(self) -> U32:
        """The IPv4 address of each port, in host byte order."""
        return self.vpcs.addresses[self.first :]

    @cached_property
    def mac(self) -> U8:
        """The MAC of each port: uint8[k, 6]. See `Vpcs.mac`; those of the file replace them."""
        out = np.empty((len(self), 6), dtype=np.uint8)
        out[:, 0] = 6
        out[:, 1] = self.vni & 0xFF
        out[:, 2:] = self.address.astype(">u4").view(np.uint8).reshape(-1, 4)
        for node, values in self._topology.explicit.items():
            for _, text in values.macs if node >= self.first else ():
                out[node - self.first] = bytearray.fromhex(text.replace(":", ""))
        return out

    @cached_property
    def link(self) -> I64:
        """The link of each port: int64[k]."""
        ends = self._topology.ends[self.first_link :]
        out = np.empty(len(self), dtype=np.int64)
        out[ends.max(axis=1) - self.first] = np.arange(self.first_link, self.first_link + len(self))
        return out

    @cached_property
    def host_port(self) -> I64:
        """Number of each port at its compute host: int64[k]."""
        topology = self._topology
        ends, numbers = topology.ends[self.link], topology.ports[self.link]
        return np.where(ends[:, 0] < self.first, numbers[:, 0], numbers[:, 1]).astype(np.int64)

    def rows_of_links(self, links: I64) -> I64:
        """Return the rows of the ports at light nodes' links: int64[k]."""
        rows: I64 = self._topology.ends[links].max(axis=1).astype(np.int64) - self.first
        return rows
