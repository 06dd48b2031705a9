from __future__ import annotations

import ipaddress

import pytest

from topologies.address_text import parse_interface
from topologies.addressing import FlatAddressing
from topologies.build import build
from topologies.errors import InputError
from topologies.spec.load import load_text
from topologies.topology import Topology


def built(nodes: str, addressing: str = "{}") -> Topology:
    return build(load_text(f"name: n\naddressing: {addressing}\ntopology:\n  nodes: {nodes}\n", "f"))


def texts(topology: Topology) -> list[list[str]]:
    flat = FlatAddressing(topology)
    return [[f"{a.text}/{a.length}" for a in flat.of(node)] for node in range(topology.node_count)]


def refused(nodes: str, addressing: str = "{}") -> str:
    with pytest.raises(InputError) as caught:
        built(nodes, addressing)
    return str(caught.value).split(": ", 1)[1]


def test_hosts_are_numbered_past_what_is_given() -> None:
    made = built("{a: , s: {kind: switch}, b: {ip: 10.0.0.2/8}, c: , d: {ip: 10.0.0.3}, e: }")
    assert texts(made) == [["10.0.0.1/8"], [], ["10.0.0.2/8"], ["10.0.0.4/8"], ["10.0.0.3/8"], ["10.0.0.5/8"]]


def test_each_version_is_numbered_on_its_own() -> None:
    pools = "{ipv4: 10.0.0.0/24, ipv6: 'fd00::/64'}"
    made = built("{a: {ip: 10.0.0.1/24}, b: {ip: 'fd00::1/64'}, c: , d: {ip: 'fd00::3'}}", pools)
    assert texts(made) == [
        ["10.0.0.1/24", "fd00::2/64"],
        ["fd00::1/64", "10.0.0.2/24"],
        ["10.0.0.3/24", "fd00::4/64"],
        ["fd00::3/64", "10.0.0.4/24"],
    ]


def test_all_addresses_of_a_full_pool_differ() -> None:
    nodes = ", ".join(f"h{i}: {{ip: 10.0.0.{i}/28}}" if i % 3 == 0 else f"h{i}: " for i in range(1, 15))
    made = built(f"{{{nodes}}}", "{ipv4: 10.0.0.0/28}")
    found = [line[0] for line in texts(made)]
    assert sorted(found, key=ipaddress.ip_interface) == [f"10.0.0.{i}/28" for i in range(1, 15)]


def test_a_switch_may_have_any_address_and_takes_no_hosts_place() -> None:
    made = built("{s: {kind: switch, ip: 192.168.0.1/24}, a: , b: }", "{ipv4: 10.0.0.0/30}")
    assert texts(made) == [["192.168.0.1/24"], ["10.0.0.1/30"], ["10.0.0.2/30"]]


def test_the_pool_that_would_hold_all_is_proposed() -> None:
    said = refused("{a: {ip: 192.168.1.5/24}, b: {ip: 192.168.2.9/24}, c: {ip: 192.168.3.1/24}}")
    assert said == (
        "topology.nodes.a.ip: 192.168.1.5 is outside the pool 10.0.0.0/8 (and so are 2 more); "
        "give an address in it, or set `addressing: {ipv4: 192.168.0.0/22}`"
    )
    assert (
        built("{a: {ip: 192.168.1.5/24}, b: {ip: 192.168.2.9/24}}", "{ipv4: 192.168.0.0/22}").node_count == 2
    )


def test_the_pool_that_is_proposed_for_too_many_hosts_is_large_enough() -> None:
    nodes = "{" + ", ".join(f"h{i}: " for i in range(15)) + "}"
    assert refused(nodes, "{ipv4: 10.0.0.0/28}") == (
        "addressing.ipv4: 10.0.0.0/28 has 14 free addresses for 15 hosts; use a /27 or larger"
    )
    assert built(nodes, "{ipv4: 10.0.0.0/27}").node_count == 15


@pytest.mark.parametrize("ip", ["10.0.0.0/8", "10.255.255.255/8"])
def test_the_ends_of_a_network_are_no_addresses(ip: str) -> None:
    assert "address" in refused(f"{{a: {{ip: {ip}}}}}")


@pytest.mark.parametrize(
    "text",
    ["10.0.0.1", "10.0.0.1/8", "0.0.0.0/0", "255.255.255.255/32", "fd00::1/64", "::ffff:10.0.0.1/128", "::"],
)
def test_text_is_read_as_the_standard_library_does(text: str) -> None:
    made, expected = parse_interface(text), ipaddress.ip_interface(text)
    assert (made.version, made.value) == (expected.version, int(expected.ip))
    assert made.length == (expected.network.prefixlen if "/" in text else None)


@pytest.mark.parametrize(
    "text",
    ["", "10.0.0", "10.0.0.01", "10.0.0.256", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3.4/",
     "1.2.3.4/8/8", "fe80::1%eth0",
     "::1/129", "1.2.3.4/٣", "1.2.3.4\0", " 1.2.3.4", "1.2.3.4/0008"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_interface(text)
