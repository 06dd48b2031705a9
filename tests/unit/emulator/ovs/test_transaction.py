"""The operations that lead from some bridges to others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from emulator.ovs.bridges import Bridge, intermediate_bridges
from emulator.ovs.database import Operation
from emulator.ovs.transaction import transaction

S1 = Bridge(
    "s1", "0000000000000001", "02:00:00:01:ff:ff", "netdev", ("OpenFlow13",), "secure",
    ("tcp:127.0.0.1:6653",), {"s1-eth1": 1, "s1-eth2": 2},
)  # fmt: skip
S2 = replace(S1, name="s2", dpid="0000000000000002", controllers=(), ports={"s2-eth0": 0})


def by_table(operations: list[Operation], table: str) -> list[dict[str, Any]]:
    return [op["row"] for op in operations if op["op"] == "insert" and op["table"] == table]


def test_all_bridges_are_one_transaction() -> None:
    operations = transaction({}, {"s1": S1, "s2": S2}, {}, {})
    assert [row["name"] for row in by_table(operations, "Bridge")] == ["s1", "s2"]
    assert {row["name"]: row.get("ofport_request") for row in by_table(operations, "Interface")} == {
        "s1": None, "s1-eth1": 1, "s1-eth2": 2, "s2": None, "s2-eth0": None,
    }  # fmt: skip
    root = operations[-1]
    assert root["table"] == "Open_vSwitch"
    assert root["mutations"] == [["bridges", "insert", ["set", [["named-uuid", "b0"], ["named-uuid", "b1"]]]]]


def test_every_name_of_a_row_is_made_once_and_known_before_it_is_used_up() -> None:
    operations = transaction({}, {"s1": S1, "s2": S2}, {}, {})
    made = [op["uuid-name"] for op in operations if op["op"] == "insert"]
    assert len(made) == len(set(made))

    def used(value: Any) -> list[str]:
        if isinstance(value, list) and len(value) == 2 and value[0] == "named-uuid":
            return [value[1]]
        if isinstance(value, dict):
            value = list(value.values())
        return [name for each in value for name in used(each)] if isinstance(value, list) else []

    assert set(used(operations)) == set(made)


def test_a_bridge_says_who_it_is_and_how_it_speaks() -> None:
    [row] = by_table(transaction({}, {"s1": S1}, {}, {}), "Bridge")
    config = dict(row["other_config"][1])
    assert config["datapath-id"] == "0000000000000001"
    assert config["hwaddr"] == "02:00:00:01:ff:ff"
    assert (row["datapath_type"], row["fail_mode"], row["protocols"]) == (
        "netdev",
        "secure",
        ["set", ["OpenFlow13"]],
    )
    [controller] = by_table(transaction({}, {"s1": S1}, {}, {}), "Controller")
    assert controller["target"] == "tcp:127.0.0.1:6653"
    assert controller["connection_mode"] == "out-of-band"


def test_ports_keep_the_queues_of_their_links() -> None:
    operations = transaction({}, {"s1": S1}, {}, {})
    assert by_table(operations, "QoS") == [{"type": "linux-noop"}]
    assert [row.get("qos") for row in by_table(operations, "Port")] == [
        None,
        ["named-uuid", "q"],
        ["named-uuid", "q"],
    ]


def test_what_is_the_same_is_not_touched() -> None:
    assert transaction({"s1": S1}, {"s1": S1}, {"s1": "u1"}, {}) == []


def test_ports_go_and_come_in_one_mutation() -> None:
    after = replace(S1, ports={"s1-eth2": 2, "s1-eth3": 3})
    operations = transaction({"s1": S1}, {"s1": after}, {"s1": "u1"}, {"s1-eth1": "p1", "s1-eth2": "p2"})
    [change] = [op for op in operations if op["op"] == "mutate"]
    assert change["where"] == [["_uuid", "==", ["uuid", "u1"]]]
    assert change["mutations"][0] == ["ports", "delete", ["set", [["uuid", "p1"]]]]
    assert change["mutations"][1][:2] == ["ports", "insert"]
    assert [row["name"] for row in by_table(operations, "Port")] == ["s1-eth3"]


def test_a_bridge_less_and_other_settings() -> None:
    after = replace(S1, fail_mode="standalone", controllers=())
    operations = transaction({"s1": S1, "s2": S2}, {"s1": after}, {"s1": "u1", "s2": "u2"}, {})
    assert operations == [
        {
            "op": "mutate", "table": "Open_vSwitch", "where": [],
            "mutations": [["bridges", "delete", ["set", [["uuid", "u2"]]]]],
        },
        {
            "op": "update", "table": "Bridge", "where": [["_uuid", "==", ["uuid", "u1"]]],
            "row": {"fail_mode": "standalone", "controller": ["set", []]},
        },
    ]  # fmt: skip


def test_between_two_states_nothing_new_has_come_and_nothing_remade_is_left() -> None:
    after = {"s1": replace(S1, ports={"s1-eth1": 1, "s1-eth2": 2, "s1-eth3": 3})}
    found = intermediate_bridges({"s1": S1, "s2": S2}, after, {"s1-eth1"})
    assert list(found) == ["s1"]
    assert found["s1"].ports == {"s1-eth2": 2}
