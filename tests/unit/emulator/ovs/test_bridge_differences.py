"""Each field of a bridge that isn't as planned is one deviation, and additions are none."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from emulator.ovs.bridge_differences import differing, with_additions
from emulator.ovs.bridges import Bridge
from emulator.ovs.transaction import transaction

S1 = Bridge(
    "s1", "0000000000000001", "02:00:00:01:ff:ff", "netdev", ("OpenFlow13",), "secure",
    ("tcp:127.0.0.1:6653",), {"s1-eth1": 1, "s1-eth2": 2},
)  # fmt: skip
OTHERS = {
    "dpid": ("00000000000000aa", "datapath ID: expected 0000000000000001, found 00000000000000aa"),
    "mac": ("02:aa:00:00:00:01", "MAC of the bridge: expected 02:00:00:01:ff:ff, found 02:aa:00:00:00:01"),
    "datapath": ("system", "datapath type: expected netdev, found system"),
    "protocols": (
        ("OpenFlow10", "OpenFlow13"),
        "protocols: expected OpenFlow13, found OpenFlow10, OpenFlow13",
    ),
    "fail_mode": ("standalone", "fail mode: expected secure, found standalone"),
    "controllers": ((), "controllers: expected tcp:127.0.0.1:6653, found none"),
    "ports": ({"s1-eth1": 77, "s1-eth2": 2}, "number of port s1-eth1: expected 1, found 77"),
    "enabled": (("stp_enable",), "stp_enable: expected false, found true"),
    "odd": ({"s1-eth2": "tag 7"}, "settings of port s1-eth2: expected none, found tag 7"),
}


def test_every_field_has_a_row() -> None:
    assert {field.name for field in fields(Bridge)} == {"name", *OTHERS}


@pytest.mark.parametrize("field", OTHERS)
def test_a_field_that_differs_is_named_and_put_right_in_one_transaction(field: str) -> None:
    value, words = OTHERS[field]
    found = replace(S1, **{field: value})
    assert [str(one) for one in differing({"s1": found}, {"s1": S1})] == [f"s1: {words}"]
    ports = {"s1-eth1": "p1", "s1-eth2": "p2"}
    assert transaction({"s1": found}, {"s1": S1}, {"s1": "u1"}, ports) != []
    assert transaction({"s1": S1}, {"s1": S1}, {"s1": "u1"}, ports) == []


def test_a_port_with_a_tag_is_made_anew() -> None:
    found = replace(S1, odd={"s1-eth2": "tag 7"})
    operations = transaction({"s1": found}, {"s1": S1}, {"s1": "u1"}, {"s1-eth2": "p2"})
    [change] = [operation for operation in operations if operation["op"] == "mutate"]
    assert change["mutations"] == [
        ["ports", "delete", ["set", [["uuid", "p2"]]]],
        ["ports", "insert", ["set", [["named-uuid", "c0p0"]]]],
    ]


def test_bridges_and_ports_that_are_missing_are_named_but_fresh_ones() -> None:
    found = replace(S1, ports={})
    assert [str(one) for one in differing({"s1": found}, {"s1": S1}, {"s1-eth1"})] == [
        "s1: port s1-eth2: expected in its bridge, found outside"
    ]
    assert [str(one) for one in differing({}, {"s1": S1})] == ["the bridge of s1 is missing"]
    assert differing({"s1": S1}, {"s1": S1}) == []


def test_what_somebody_added_is_no_difference_and_stays() -> None:
    extra = replace(S1, name="extra", ports={"x": 0})
    found = {"extra": extra, "s1": replace(S1, ports={**S1.ports, "y": 9}, odd={"y": "tag 7"})}
    assert differing(found, {"s1": S1}) == []
    assert with_additions(found, {"s1": S1}, {"s1-eth1", "s1-eth2"}) == found
    blocked = {"s1": replace(S1, ports={"s1-eth1": 1})}
    assert with_additions({"s1": S1}, blocked, {"s1-eth1", "s1-eth2"}) == blocked
