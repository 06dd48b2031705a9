"""What workers get of a plan: packed once, whatever it is shipped for."""

from __future__ import annotations

import gc

import pytest

from emulator.engines.cluster import shares
from emulator.engines.cluster.shares import _LAST, shipment
from emulator.packed_plan import pack, unpack
from emulator.placement.worker import Worker
from emulator.plan import Plan, make_plan
from topologies.build import build
from topologies.spec.load import load_text


def plan_of(hosts: int) -> Plan:
    text = f"name: n\ntopology: {{generator: single, hosts: {hosts}}}\n"
    return make_plan(build(load_text(text)), "cluster", [Worker("w1", 1 << 30)])


def test_a_plan_is_packed_once_and_forgotten_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(plan: Plan) -> bytes:
        calls.append(plan.topology.node_count)
        return pack(plan)

    monkeypatch.setattr(shares, "pack", counted)
    plan = plan_of(2)
    first, again = shipment(plan, ""), shipment(plan, "n.yaml")
    assert first.data is again.data
    assert again.file == "n.yaml"
    assert calls == [3]
    other = plan_of(4)
    assert unpack(shipment(other, "").data).topology.node_count == 5
    assert unpack(shipment(plan, "").data).topology.node_count == 3
    assert calls == [3, 5, 3]
    del plan, first, again
    gc.collect()
    assert _LAST._kept is None
