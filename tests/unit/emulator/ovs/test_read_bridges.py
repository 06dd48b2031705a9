"""What the bridges are set to is read at one moment, while sessions change them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from emulator.ovs.bridges import Bridge
from emulator.ovs.database import Database
from emulator.ovs.read_bridges import read_bridges
from emulator.ovs.switches import Switches

ROWS: dict[str, list[dict[str, Any]]] = {
    "Interface": [{"_uuid": ["uuid", "i1"], "ofport_request": 1, "ingress_policing_rate": 0}],
    "Port": [
        {
            "_uuid": ["uuid", "p1"], "name": "s1-eth1", "interfaces": ["uuid", "i1"],
            "tag": 7, "trunks": ["set", []], "vlan_mode": ["set", []],
        },
    ],
    "Controller": [{"_uuid": ["uuid", "c1"], "target": "tcp:127.0.0.1:6653"}],
    "Bridge": [
        {
            "name": "s1", "datapath_type": "netdev", "fail_mode": "secure", "protocols": "OpenFlow13",
            "other_config": ["map", []], "controller": ["uuid", "c1"], "ports": ["uuid", "p1"],
            "stp_enable": True, "rstp_enable": False, "mcast_snooping_enable": False,
        },
    ],
}  # fmt: skip


class Changing(Database):
    """A database whose ports are all replaced after every transaction."""

    def __init__(self) -> None:
        self.rounds = 0

    def transact(self, operations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        self.rounds += 1
        assert self.rounds == 1, "a port may be gone by now"
        return [{"rows": ROWS[str(one["table"])]} for one in operations]


def test_all_tables_are_read_in_one_transaction() -> None:
    (bridge,) = read_bridges(Changing()).values()
    assert bridge.ports == {"s1-eth1": 1}
    assert bridge.controllers == ("tcp:127.0.0.1:6653",)
    assert bridge.odd == {"s1-eth1": "tag 7"}
    assert bridge.enabled == ("stp_enable",)


def test_bridges_that_are_away_are_left_to_who_makes_them_again(monkeypatch: pytest.MonkeyPatch) -> None:
    bridges = {name: Bridge(name, "", "", "system", (), "secure", (), {}) for name in ("s1", "s2")}
    seen: list[tuple[set[str], set[str]]] = []
    monkeypatch.setattr(Switches, "present", lambda _: {"s1": bridges["s1"]})
    monkeypatch.setattr(Switches, "_change", lambda _, old, new: seen.append((set(old), set(new))))
    switches = object.__new__(Switches)
    switches.converge_to(bridges, partly=True)
    switches.converge_to(bridges)
    assert seen == [({"s1"}, {"s1"}), ({"s1"}, {"s1", "s2"})]
