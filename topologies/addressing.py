"""Addresses of a flat (bridged) network: the k-th host has the k-th free address of the pool.

Nothing is stored per host: the address is computed from the host's rank, stepping over the
addresses that the file gives by hand.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from functools import cached_property
from typing import NamedTuple

import numpy as np

from topologies.errors import ParameterError
from topologies.topology import Kind, Topology


class Address(NamedTuple):
    """An address on a port: `value` is the number, `length` the prefix length, `version` 4 or 6."""

    port: int
    version: int
    value: int
    length: int

    @property
    def packed(self) -> bytes:
        """The address in network byte order: 4 or 16 bytes."""
        return self.value.to_bytes(4 if self.version == 4 else 16, "big")

    @property
    def text(self) -> str:
        """The address without its prefix length."""
        return str(ipaddress.ip_address(self.packed))


class FlatAddressing:
    """Addresses of hosts that all share one subnet.

    Raises ParameterError when the pool is too small or a given address is outside it or taken
    twice. The pool's first address (the network) is never used, nor IPv4's last (broadcast).
    """

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._pools = [ipaddress.ip_network(p) for p in (topology.pools.ipv4, topology.pools.ipv6) if p]
        self._given = {
            node: _parsed(given.addresses) for node, given in topology.given.items() if given.addresses
        }
        self._taken: dict[int, list[int]] = {pool.version: self._taken_in(pool) for pool in self._pools}
        for pool in self._pools:
            self._check_size(pool)

    def _taken_in(self, pool: ipaddress.IPv4Network | ipaddress.IPv6Network) -> list[int]:
        """Return the offsets in `pool` that the file gives by hand, ascending."""
        owners: dict[int, int] = {}
        for node, addresses in self._given.items():
            for address in addresses:
                if address.version != pool.version:
                    continue
                if address.value in owners:
                    names = self._topology.names
                    raise ParameterError(
                        ("topology", "nodes", names[node], "ip"),
                        f"{address.text} is taken already, by `{names[owners[address.value]]}`",
                    )
                owners[address.value] = node
        first = int(pool.network_address)
        return sorted(v - first for v in owners if 0 < v - first < pool.num_addresses)

    def _check_size(self, pool: ipaddress.IPv4Network | ipaddress.IPv6Network) -> None:
        unusable = 2 if pool.version == 4 and pool.prefixlen < 31 else 1
        free = pool.num_addresses - unusable - len(self._taken[pool.version])
        automatic = len(self._topology.hosts) - sum(
            any(a.version == pool.version for a in addresses) for addresses in self._given.values()
        )
        if automatic > free:
            need = max(2, (automatic + unusable + len(self._taken[pool.version]) - 1).bit_length())
            most = 32 if pool.version == 4 else 128
            raise ParameterError(
                ("addressing", f"ipv{pool.version}"),
                f"{pool} has {max(free, 0)} free addresses for {automatic} hosts; "
                f"use a /{most - need} or larger",
            )

    @cached_property
    def _ranks(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Rank of each node among the hosts without a given address: int64[n]."""
        automatic = np.asarray(self._topology.kinds == Kind.HOST)
        automatic[list(self._given)] = False
        return np.cumsum(automatic) - 1

    def of(self, node: int) -> tuple[Address, ...]:
        """Return the addresses of `node`, on its first port."""
        given = self._given.get(node, ())
        if self._topology.kinds[node] != Kind.HOST:
            return given
        versions = {address.version for address in given}
        made = [self._automatic(node, pool) for pool in self._pools if pool.version not in versions]
        if given:  # a host with a given IPv4 keeps the rank-free IPv6 of its own number
            made = [self._beside(node, pool) for pool in self._pools if pool.version not in versions]
        return (*given, *made)

    def _automatic(self, node: int, pool: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Address:
        offset = int(self._ranks[node]) + 1
        taken = self._taken[pool.version]
        while (moved := int(self._ranks[node]) + 1 + bisect_right(taken, offset)) != offset:
            offset = moved
        return Address(0, pool.version, int(pool.network_address) + offset, pool.prefixlen)

    def _beside(self, node: int, pool: ipaddress.IPv4Network | ipaddress.IPv6Network) -> Address:
        """Return an address above all automatic ones for a host that has a given one of the other version."""
        order = sorted(self._given).index(node)
        automatic = len(self._topology.hosts) - len(self._given)
        offset = automatic + len(self._taken[pool.version]) + 1 + order
        return Address(0, pool.version, int(pool.network_address) + offset, pool.prefixlen)


def _parsed(addresses: tuple[tuple[int, str], ...]) -> tuple[Address, ...]:
    out = []
    for port, text in addresses:
        interface = ipaddress.ip_interface(text)
        out.append(Address(port, interface.version, int(interface.ip), interface.network.prefixlen))
    return tuple(out)
