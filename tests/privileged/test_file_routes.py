"""Addresses, gateways and routes of the file as `ip` shows them: made, repaired, changed, and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import emulator

pytestmark = [pytest.mark.privileged]

FILE: dict[str, Any] = {
    "name": "routes",
    "addressing": {"ipv4": "10.0.0.0/16", "ipv6": "fd00::/64"},
    "topology": {
        "nodes": {
            "h1": {"ip": "10.0.1.1", "addresses": {"eth0": ["10.0.5.1", "fd00::5"], "eth1": "10.0.2.1"}},
            "h2": {"gateway": ["10.0.1.1", "fd00::5"], "routes": {"192.168.0.0/16": "10.0.2.1"}},
            "s1": {"kind": "switch"},
        },
        "links": [["h1", "s1"], ["h1", "s1"], ["h2", "s1"]],
    },
}
ROUTES = {("default", "10.0.1.1"), ("default", "fd00::5"), ("192.168.0.0/16", "10.0.2.1")}


@pytest.fixture
def net(state_dir: object) -> Iterator[emulator.Network]:
    del state_dir
    with emulator.up(FILE) as network:
        yield network


def routes_of(net: emulator.Network, node: str) -> set[tuple[str, str]]:
    """Return the routes over gateways as `ip` shows them."""
    rows = [row for family in "46" for row in json.loads(net[node].run(f"ip -j -{family} route").output)]
    return {(row["dst"], row["gateway"]) for row in rows if "gateway" in row}


def addresses_of(net: emulator.Network, node: str, interface: str) -> set[str]:
    (found,) = json.loads(net[node].run(f"ip -j address show {interface}").output)
    return {one["local"] for one in found["addr_info"] if one["scope"] == "global"}


def test_are_made_repaired_and_changed(net: emulator.Network) -> None:
    assert routes_of(net, "h2") == ROUTES
    assert addresses_of(net, "h1", "h1-eth0") == {"10.0.1.1", "10.0.5.1", "fd00::5"}
    assert addresses_of(net, "h1", "h1-eth1") == {"10.0.2.1"}
    assert net.check().is_right
    net["h2"].run("ip route del 192.168.0.0/16")
    net["h2"].run("ip route replace default via 10.0.5.1")
    net["h1"].run("ip address del 10.0.5.1/16 dev h1-eth0")
    assert {one.object for one in net.deviations()} == {
        "route 192.168.0.0/16", "route 0.0.0.0/0", "address 10.0.5.1/16 on h1-eth0",
    }  # fmt: skip
    net.repair()
    assert routes_of(net, "h2") == ROUTES
    link = net.link("h2", "s1")
    link.down()
    assert not routes_of(net, "h2")
    link.up()
    assert routes_of(net, "h2") == ROUTES
    nodes = FILE["topology"]["nodes"]
    changed = nodes | {"h1": {"ip": "10.0.1.1"}, "h2": {"gateway": "10.0.1.1"}}
    links = [["h1", "s1"], ["h1", "s1"], ["h2", "s1", {"interfaces": ["wan0", None], "ports": [None, 7]}]]
    after = emulator.up(FILE | {"topology": {"nodes": changed, "links": links}})
    assert routes_of(after, "h2") == {("default", "10.0.1.1")}
    assert addresses_of(after, "h2", "wan0") - {"fd00::2"} == {"10.0.0.1"}
    assert "s1-eth7" in after["s1"].run("ls /sys/class/net").output
    assert after.check().is_right
    assert addresses_of(after, "h1", "h1-eth0") - {"fd00::1"} == {"10.0.1.1"}
    assert not after.deviations()
