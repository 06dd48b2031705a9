"""What a machine refuses of a share, before anything is made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from emulator.engines import share
from emulator.engines.share import share_refusals
from emulator.linux.machine import vni_ports
from emulator.linux.machine.underlay import ForeignTunnel
from emulator.plan import Plan, make_plan
from emulator.tunnel_mtu import with_domain_mtu
from topologies.build import build
from topologies.spec.load import load_text

UNDERLAY: dict[str, Any] = {"vni": 100, "addresses": {"w1": "10.0.0.1", "w2": "10.0.0.2"}}


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "has_link", lambda _: None)  # as without permission to try
    monkeypatch.setattr(share, "underlay_problems", lambda *_: [])
    foreign = [ForeignTunnel("flannel.1", 1, 8472), ForeignTunnel("all0", -1, 9999)]
    monkeypatch.setattr(share, "foreign_tunnels", lambda: foreign)
    monkeypatch.setattr(vni_ports, "foreign_tunnels", lambda: foreign)
    monkeypatch.setattr(vni_ports, "udp_ports", lambda: frozenset({53, 8472, 9999}))


def plan_of(underlay: dict[str, Any] | None, keys: str = "") -> Plan:
    topology = build(load_text(f"name: t\n{keys}\ntopology: {{generator: ring, k: 4}}"))
    options = {} if underlay is None else {"underlay": underlay}
    plan = make_plan(topology, "netns", 2, options=options)
    placement = (np.arange(topology.node_count) % 2).astype(np.int32)
    placed = replace(plan, placement=placement, share=0)
    try:
        return with_domain_mtu(placed)
    except ValueError:
        return placed


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"vni": 0}, "VNIs 0 to"),
        ({"vni": (1 << 24) - 3}, "they go from 1 to 16,777,215"),
        ({"vni": 1, "port": 8472}, "flannel.1 has VNI 1 on UDP port 8472"),
        ({"vni": 2, "port": 8472}, ""),
        ({"port": 53}, "UDP port 53 is used by another program"),
        ({"port": 9999}, "all0 takes all VNIs on UDP port 9999"),
        ({"addresses": {"w1": "10.0.0.1"}}, "no underlay address for w2"),
    ],
)
def test_numbers_that_cannot_be_are_refused(change: dict[str, Any], reason: str) -> None:
    found = share_refusals(plan_of({**UNDERLAY, **change}))
    assert bool(found) == bool(reason)
    assert all(reason in words for words in found)


def test_links_between_machines_need_an_underlay() -> None:
    (words,) = share_refusals(plan_of(None))
    assert "option `underlay`" in words
    whole = replace(plan_of(None), share=None)
    assert share_refusals(whole) == []


def test_a_kernel_without_vxlan_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "has_link", lambda kind: kind != "vxlan")
    (words,) = share_refusals(plan_of(UNDERLAY))
    assert "no vxlan" in words


def test_a_controller_of_the_users_is_refused_and_ours_is_not() -> None:
    ours = plan_of(UNDERLAY, "switch: ovs\nopenflow: {controller: learning}")
    assert share_refusals(ours) == []
    (words,) = share_refusals(plan_of(UNDERLAY, "switch: ovs\nopenflow: {controller: {command: [ryu, run]}}"))
    assert "remote: ADDRESS:PORT" in words
