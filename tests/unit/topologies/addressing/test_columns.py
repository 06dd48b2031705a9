"""Addresses in columns: the pools' order, and numbers and texts as Python's own modules have them."""

from __future__ import annotations

import ipaddress

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.topologies import made

from topologies.addressing import AddressColumns, FlatAddressing
from topologies.addressing.columns import Numbers
from topologies.graph_arrays import gathered
from topologies.topology import Kind, Topology

LAST = (1 << 128) - 1


def by_counting(topology: Topology) -> list[list[str]]:
    """Return the automatic IPv4 and IPv6 addresses of each node of a flat network, counted one by one."""
    pools = [ipaddress.ip_network(pool) for pool in (topology.pools.ipv4, topology.pools.ipv6) if pool]
    out: list[list[str]] = [[] for _ in topology.names]
    explicit = {
        node: [ipaddress.ip_interface(text).ip for _, text in given.addresses]
        for node, given in topology.explicit.items()
    }
    taken = {address for addresses in explicit.values() for address in addresses}
    for node, addresses in explicit.items():
        out[node] = [str(address) for address in addresses]
    for pool in pools:
        free = (address for address in pool.hosts() if address not in taken)
        for host in topology.hosts.tolist():
            if not any(address.version == pool.version for address in explicit.get(host, ())):
                out[host].append(str(next(free)))
    return out


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"addressing": {"ipv4": "192.168.7.0/24", "ipv6": "fd00:1:2:3::/64"}},
    ],
)
def test_automatic_addresses_count_through_the_pool_around_explicit_ones(keys: dict[str, object]) -> None:
    pool = "192.168.7" if keys else "10.0.0"
    nodes: dict[str, dict[str, object]] = {f"h{number}": {} for number in range(1, 9)}
    nodes["h3"] = {"ip": f"{pool}.2"}
    nodes["h5"] = {"ip": f"{pool}.3"}
    nodes["h6"] = {"ip": f"{pool}.200"}
    nodes |= {"s1": {"kind": "switch"}, "s2": {"kind": "switch", "ip": f"{pool}.5"}}
    topology = made({"nodes": nodes, "links": [["s1", name] for name in nodes if name != "s1"]}, **keys)
    flat = FlatAddressing(topology)
    found = [[address.text for address in flat.of(node)] for node in range(topology.node_count)]
    assert found == by_counting(topology)
    assert topology.kinds[topology.names.find("s2")] == Kind.SWITCH


@given(
    st.integers(0, LAST - (1 << 62)),
    st.lists(st.integers(0, (1 << 62) - 1), max_size=8),
)
def test_numbers_of_128_bits_are_pythons(base: int, offsets: list[int]) -> None:
    numbers = Numbers.from_base(base, np.array(offsets, dtype=np.int64))
    assert [numbers.at(place) for place in range(len(offsets))] == [base + offset for offset in offsets]
    again = Numbers.of([base + offset for offset in offsets])
    assert np.array_equal(again.high, numbers.high)
    assert np.array_equal(again.low, numbers.low)


@example([], [0, 255, 256, (10 << 24) + 254, (10 << 24) + 1, (1 << 32) - 1])
@given(st.lists(st.integers(0, LAST), max_size=20), st.lists(st.integers(0, (1 << 32) - 1), max_size=20))
def test_texts_are_those_of_ipaddress(six: list[int], four: list[int]) -> None:
    values = [(6, value) for value in six] + [(4, value) for value in four]
    columns = AddressColumns(
        np.arange(len(values)),
        np.arange(len(values)),
        np.zeros(len(values), dtype=np.int64),
        np.array([version for version, _ in values], dtype=np.uint8),
        Numbers.of([value for _, value in values]),
        np.zeros(len(values), dtype=np.int64),
    )
    expected = [
        str(ipaddress.IPv6Address(value) if version == 6 else ipaddress.IPv4Address(value))
        for version, value in values
    ]
    assert columns.texts() == expected
    assert [columns.of(place)[0].text for place in range(len(values))] == expected


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(0, 9), max_size=4), max_size=8), st.data())
def test_entries_of_compressed_rows(lists: list[list[int]], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=8)) if lists else []
    start = np.cumsum([0, *map(len, lists)])
    flat = [entry for row in lists for entry in row]
    place, entry = gathered(start, np.array(chosen, dtype=np.int64))
    found = [(p, flat[e]) for p, e in zip(place.tolist(), entry.tolist(), strict=True)]
    assert found == [(p, value) for p, row in enumerate(chosen) for value in lists[row]]
