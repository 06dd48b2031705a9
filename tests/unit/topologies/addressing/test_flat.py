from __future__ import annotations

from typing import Any

import pytest
from support import topologies

from topologies.addressing import FlatAddressing
from topologies.counting import counted
from topologies.errors import InputError
from topologies.topology import Topology


def made(topology: dict[str, Any], **addressing: str) -> Topology:
    return topologies.made(topology, addressing=addressing)


def texts(topology: Topology) -> dict[str, list[str]]:
    addressing = FlatAddressing(topology)
    return {
        topology.names[h]: [f"{a.text}/{a.length}" for a in addressing.of(h)] for h in topology.hosts.tolist()
    }


def test_hosts_count_through_the_pool() -> None:
    topology = made({"generator": "linear", "k": 2, "hosts_per_switch": 1}, ipv4="192.168.7.0/24")
    assert texts(topology) == {"h1": ["192.168.7.1/24"], "h2": ["192.168.7.2/24"]}


def test_switches_have_none() -> None:
    topology = made({"generator": "single"})
    assert FlatAddressing(topology).of(topology.names.find("s1")) == ()


def test_ipv6_beside_ipv4() -> None:
    topology = made({"generator": "single", "hosts": 2}, ipv4="10.1.0.0/16", ipv6="fd00::/64")
    assert texts(topology) == {"h1": ["10.1.0.1/16", "fd00::1/64"], "h2": ["10.1.0.2/16", "fd00::2/64"]}


def test_given_addresses_are_stepped_over() -> None:
    nodes = {"a": {}, "b": {"ip": "10.0.0.1/24"}, "c": {"ip": "10.0.0.3"}, "d": {}, "e": {}}
    topology = made({"nodes": nodes}, ipv4="10.0.0.0/24")
    assert texts(topology) == {
        "a": ["10.0.0.2/24"], "b": ["10.0.0.1/24"], "c": ["10.0.0.3/24"],
        "d": ["10.0.0.4/24"], "e": ["10.0.0.5/24"],
    }  # fmt: skip


def test_a_switch_s_given_address_is_stepped_over_too() -> None:
    nodes = {"s": {"kind": "switch", "ip": "10.0.0.2/8"}, "a": {}, "b": {}, "c": {}}
    topology = made({"nodes": nodes}, ipv6="fd00::/64")
    assert texts(topology) == {
        "a": ["10.0.0.1/8", "fd00::1/64"],
        "b": ["10.0.0.3/8", "fd00::2/64"],
        "c": ["10.0.0.4/8", "fd00::3/64"],
    }  # fmt: skip


def test_any_mixture_of_given_addresses_stays_unique() -> None:
    nodes = {f"g{i}": {"ip": f"10.0.0.{i}"} for i in range(1, 100, 3)}
    nodes |= {f"six{i}": {"ip": f"fd00::{i:x}"} for i in range(1, 100, 2)}
    nodes |= {f"h{i}": {} for i in range(60)}
    nodes |= {f"s{i}": {"kind": "switch", "ip": f"10.0.0.{i}"} for i in range(150, 160)}
    topology = made({"nodes": nodes}, ipv4="10.0.0.0/24", ipv6="fd00::/120")
    all_texts = [text for texts_of in texts(topology).values() for text in texts_of]
    assert len(set(all_texts)) == len(all_texts) == 2 * (33 + 50 + 60)


def test_thousands_of_given_addresses_cost_little() -> None:
    """Each computed address takes one look, however many are given before it."""
    nodes = {f"g{i}": {"ip": f"10.0.{i >> 8}.{i & 255}"} for i in range(1, 20_000)}
    topology = made({"nodes": nodes | {f"h{i}": {} for i in range(2000)}})
    addressing = FlatAddressing(topology)
    assert [addressing.of(n)[0].text for n in (19_999, 21_998)] == ["10.0.78.32", "10.0.85.239"]


def problems(topology: dict[str, Any], **addressing: str) -> list[str]:
    found = topologies.problems(topology, addressing=addressing)
    return [f"{key}: {words}" for key, words in found.items()]


@pytest.mark.parametrize(("pool", "hosts"), [("10.0.0.0/30", 3), ("10.0.0.0/31", 2), ("10.0.0.0/32", 1)])
def test_pool_too_small(pool: str, hosts: int) -> None:
    assert (
        f"for {counted(hosts, 'host')}; use a /"
        in problems({"generator": "single", "hosts": hosts}, ipv4=pool)[0]
    )


def test_the_pool_that_it_advises_is_large_enough() -> None:
    for hosts in range(2, 70):
        advice = problems({"generator": "single", "hosts": hosts}, ipv4="10.0.0.0/32")[0]
        length = int(advice.split("use a /")[1].split()[0])
        made({"generator": "single", "hosts": hosts}, ipv4=f"10.0.0.0/{length}")
        with pytest.raises(InputError):
            made({"generator": "single", "hosts": hosts}, ipv4=f"10.0.0.0/{length + 1}")


def test_outside_the_pool() -> None:
    found = problems({"nodes": {"a": {"ip": "10.1.0.1/24"}}}, ipv4="10.0.0.0/24")
    assert found[0].startswith("topology.nodes.a.ip: 10.1.0.1 is outside the pool 10.0.0.0/24")


def test_ipv6_that_is_off() -> None:
    assert "ipv6" in problems({"nodes": {"a": {"ip": "fd00::1/64"}}})[0]
