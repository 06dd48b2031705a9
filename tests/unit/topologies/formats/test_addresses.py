"""Addresses for exports and pictures: both ends of a link, and a host's default router, share a subnet."""

from __future__ import annotations

import ipaddress

from support.topologies import made

from topologies.formats.addresses import Addresses
from topologies.topology import Kind

ROUTED = {"forwarding": "routed", "addressing": {"ipv6": "fd00::/32"}}


def test_a_routed_networks_ends_share_the_subnet_of_their_link() -> None:
    topology = made({"generator": "fat-tree", "k": 4}, **ROUTED)
    addresses = Addresses(topology)
    texts = [dict[int, list[str]]() for _ in range(topology.node_count)]
    for node, found in enumerate(texts):
        assert addresses.of(node) == sorted(addresses.of(node))
        for port, text in addresses.of(node):
            found.setdefault(port, []).append(text)
    every = [text for found in texts for some in found.values() for text in some]
    assert len(set(every)) == len(every)
    wires = 0
    for link in range(topology.link_count):
        (a, b), (one, two) = topology.ends[link].tolist(), topology.ports[link].tolist()
        if Kind.HOST in {topology.kinds[a], topology.kinds[b]}:
            continue
        wires += 1
        for left, right in zip(texts[a][one], texts[b][two], strict=True):
            network = ipaddress.ip_interface(left).network
            assert ipaddress.ip_interface(right).network == network
            assert network.num_addresses == 2
    assert wires == 32


def test_the_gateway_of_a_host_is_a_router_of_its_subnet() -> None:
    topology = made({"generator": "fat-tree", "k": 4}, **ROUTED)
    addresses = Addresses(topology)
    owner = {
        text.partition("/")[0]: node for node in range(topology.node_count) for _, text in addresses.of(node)
    }
    for host in range(topology.node_count):
        gateway = addresses.gateway(host)
        assert (gateway is not None) == (topology.kinds[host] == Kind.HOST)
        if gateway is not None:
            own = next(text for _, text in addresses.of(host) if ":" not in text)
            assert ipaddress.ip_address(gateway) in ipaddress.ip_interface(own).network
            assert topology.kinds[owner[gateway]] != Kind.HOST


def test_a_flat_network_has_one_subnet_and_no_gateway() -> None:
    topology = made({"generator": "single", "hosts": 2})
    addresses, names = Addresses(topology), list(topology.names)
    assert addresses.of(names.index("h1")) == [(0, "10.0.0.1/8")]
    assert addresses.of(names.index("s1")) == []
    assert addresses.gateway(names.index("h1")) is None
