"""Addresses of a flat (bridged) network: the k-th host has the k-th free address of the pool.

The address is computed from the host's rank, and skips the explicit addresses of the file.
"""

from __future__ import annotations

import ipaddress
from functools import cached_property

import numpy as np

from topologies.addressing.address import Address, parse_interface
from topologies.addressing.columns import AddressColumns, Ints, Numbers
from topologies.counting import counted
from topologies.errors import Loc, ParameterError
from topologies.one_by_one import OneByOne
from topologies.topology import Kind, Topology

_LOOPBACK = {4: ipaddress.ip_network("127.0.0.0/8"), 6: ipaddress.ip_network("::1/128")}
_FAR = 1 << 62
"""A rank that no host has."""

Pool = ipaddress.IPv4Network | ipaddress.IPv6Network


class FlatAddressing:
    """Addresses of hosts that all share one subnet.

    Raises ParameterError when the pool is too small, or a host's explicit address is outside it or used
    twice. The pool's first address (the network) is never used, nor IPv4's last (broadcast).
    Switches and routers may have any explicit address.
    """

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._pools: list[Pool] = [
            ipaddress.ip_network(p) for p in (topology.pools.ipv4, topology.pools.ipv6) if p
        ]
        lengths: dict[int, int] = {pool.version: pool.prefixlen for pool in self._pools}
        self._explicit = {
            node: _parsed(values.addresses, lengths)
            for node, values in topology.explicit.items()
            if values.addresses
        }
        self._check_families()
        self._used: dict[int, list[int]] = {pool.version: self._used_in(pool) for pool in self._pools}
        for pool in self._pools:
            self._check_inside(pool)
            self._check_size(pool)

    def _at(self, node: int) -> Loc:
        return ("topology", "nodes", self._topology.names[node], "ip")

    def _check_families(self) -> None:
        versions = {pool.version for pool in self._pools}
        for node, addresses in self._explicit.items():
            for address in addresses:
                if address.version not in versions and self._topology.kinds[node] == Kind.HOST:
                    network = ipaddress.ip_network((address.packed, 64), strict=False)
                    raise ParameterError(
                        self._at(node), f"is IPv6, which is off; set `addressing: {{ipv6: {network}}}`"
                    )

    def _used_in(self, pool: Pool) -> list[int]:
        """Return the offsets in `pool` of the explicit addresses, ascending."""
        owners: dict[int, int] = {}
        for node, addresses in self._explicit.items():
            for address in addresses:
                if address.version != pool.version:
                    continue
                if address.value in owners:
                    owner = self._topology.names[owners[address.value]]
                    raise ParameterError(
                        self._at(node), f"{address.text} is already used by `{owner}`; use another"
                    )
                owners[address.value] = node
        first = int(pool.network_address)
        return sorted(v - first for v in owners if 0 < v - first < pool.num_addresses)

    def _check_inside(self, pool: Pool) -> None:
        """Raise ParameterError when hosts have addresses that other hosts of the subnet can't reach."""
        first, last = int(pool.network_address), int(pool.broadcast_address)
        is_host = np.asarray(
            self._topology.kinds == Kind.HOST
        ).tolist()  # a list: it is indexed once per address
        hosts = [
            (node, address)
            for node, addresses in self._explicit.items()
            for address in addresses
            if address.version == pool.version and is_host[node]
        ]
        usable = range(first + 1, last + (pool.version == 6))
        outside = [(node, address) for node, address in hosts if address.value not in usable]
        if not outside:
            return
        node, address = outside[0]
        if first <= address.value <= last:
            raise ParameterError(
                self._at(node),
                f"{address.text} is the first or last address of the pool {pool}; use another",
            )
        more = len(outside) - 1
        others = f" (and so {'is' if more == 1 else 'are'} {more:,} more)" if more else ""
        wider = _around([address.value for _, address in hosts], pool.version)
        fix = f"or set `addressing: {{ipv{pool.version}: {wider}}}`"
        if wider.overlaps(_LOOPBACK[wider.version]):
            fix = "or put a router (`kind: router`) between the networks"
        words = f"{address.text} is outside the pool {pool}{others}; use an address in it, {fix}"
        raise ParameterError(self._at(node), words)

    def _check_size(self, pool: Pool) -> None:
        unusable = 2 if pool.version == 4 and pool.prefixlen < 31 else 1
        taken = len(self._used[pool.version])
        free = pool.num_addresses - unusable - taken
        automatic = int(np.count_nonzero(self._automatic_hosts(pool.version)))
        if automatic > free:
            reserved = 2 if pool.version == 4 else 1
            need = max(2, (automatic + reserved + taken - 1).bit_length())
            raise ParameterError(
                ("addressing", f"ipv{pool.version}"),
                f"{pool} has {counted(max(free, 0), 'free address')} for {counted(automatic, 'host')}; "
                f"use a /{pool.max_prefixlen - need} or larger",
            )

    def _automatic_hosts(self, version: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Return the mask of nodes with a computed address of `version`: bool[n]."""
        automatic = np.asarray(self._topology.kinds == Kind.HOST)
        explicit = [
            n for n, addresses in self._explicit.items() if any(a.version == version for a in addresses)
        ]
        automatic[explicit] = False
        return automatic

    @cached_property
    def _ranks(self) -> dict[int, Ints]:
        """Rank of each host among those with a computed address, from 1, else 0, by version: int64[n]."""
        found = {pool.version: self._automatic_hosts(pool.version) for pool in self._pools}
        return {version: np.where(hosts, np.cumsum(hosts), 0) for version, hosts in found.items()}

    @cached_property
    def _gaps(self) -> dict[int, Ints]:
        """Rank of the first computed address above each explicit one, ascending, by version.

        A rank skips the explicit offsets with a rank up to its own.
        """
        return {
            version: np.array([min(offset - before, _FAR) for before, offset in enumerate(taken)], np.int64)
            for version, taken in self._used.items()
        }

    @cached_property
    def _explicit_columns(self) -> AddressColumns:
        """The addresses of the file."""
        nodes = np.array(sorted(self._explicit), dtype=np.int64)
        found = [self._explicit[node] for node in nodes.tolist()]
        rows = [address for addresses in found for address in addresses]
        return AddressColumns(
            nodes,
            np.repeat(np.arange(len(nodes)), np.array([len(each) for each in found], dtype=np.int64)),
            np.array([address.port for address in rows], dtype=np.int64),
            np.array([address.version for address in rows], dtype=np.uint8),
            Numbers.of([address.value for address in rows]),
            np.array([address.length for address in rows], dtype=np.int64),
        )

    def columns(self, nodes: Ints) -> AddressColumns:
        """Return the addresses of `nodes` (int64[q], ascending); computed ones are on the first port."""
        parts = [self._explicit_columns.among(nodes)]
        for pool in self._pools:
            rank = self._ranks[pool.version][nodes]
            position = np.flatnonzero(rank)
            rank = rank[position]
            offset = rank + np.searchsorted(self._gaps[pool.version], rank, side="right")
            same = np.zeros(len(position), dtype=np.int64)
            parts.append(
                AddressColumns(
                    nodes,
                    position,
                    same,
                    np.full(len(position), pool.version, dtype=np.uint8),
                    Numbers.from_base(int(pool.network_address), offset),
                    same + pool.prefixlen,
                )
            )
        return AddressColumns.joined(nodes, parts)

    @cached_property
    def _one_by_one(self) -> OneByOne[AddressColumns]:
        return OneByOne(self.columns, self._topology.node_count)

    def of(self, node: int) -> tuple[Address, ...]:
        """Return the addresses of `node`."""
        columns, position = self._one_by_one.at(node)
        return columns.of(position)


def _around(values: list[int], version: int) -> Pool:
    """Return the smallest network of at least 256 addresses that holds all the addresses `values`."""
    bits, least = (32, 8) if version == 4 else (128, 64)
    spread = max(least, (min(values) ^ max(values)).bit_length())
    first = min(values) >> spread << spread
    return ipaddress.ip_network((first.to_bytes(bits // 8), bits - spread))


def _parsed(addresses: tuple[tuple[int, str], ...], lengths: dict[int, int]) -> tuple[Address, ...]:
    """Parse explicit addresses; one without a prefix length gets its pool's, from `lengths`."""
    out = []
    for port, text in addresses:
        version, value, length = parse_interface(text)
        if length is None:
            length = lengths.get(version, 32 if version == 4 else 64)
        out.append(Address(port, version, value, length))
    return tuple(out)
