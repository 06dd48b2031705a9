"""Which ports are the same in two plans, and which come, go, move or change."""

from __future__ import annotations

import pytest

from emulator.difference import same_plan
from emulator.overlay.difference import OverlayDifference
from emulator.plan import Plan, make_plan
from topologies.build import build
from topologies.spec.load import load_text


def plan(words: str) -> Plan:
    text = f"name: n\nforwarding: routed\ntopology: {{generator: vpc, {words}}}\n"
    return make_plan(build(load_text(text)), "netns")


def difference(old: str, new: str) -> OverlayDifference:
    return OverlayDifference(plan(old).overlay, plan(new).overlay)


def test_ports_of_a_larger_subnet_are_the_same_and_stay_where_they_are() -> None:
    found = difference("vpcs: 2, ports: 5, hosts: 2, prefix: 24", "vpcs: 2, ports: 8, hosts: 2, prefix: 24")
    assert found.new
    names, first = found.new.ports.names, found.new.ports.first
    assert [names[first + row] for row in found.added.tolist()] == [
        "v1s1p6", "v1s1p7", "v1s1p8", "v2s1p6", "v2s1p7", "v2s1p8",
    ]  # fmt: skip
    assert not len(found.gone)
    assert not len(found.moved)
    assert not len(found.changed)
    assert found.lines() == [
        "added 6 light ports: v1s1p6, v1s1p7, v1s1p8, v2s1p6, v2s1p7, v2s1p8",
    ]
    back = OverlayDifference(found.new, found.old)
    assert len(back.gone) == 6
    assert not len(back.added)


def test_ports_whose_address_is_another_are_other_ports() -> None:
    """Without a prefix the second subnet begins elsewhere when the first grows."""
    found = difference("vpcs: 2, ports: 5, hosts: 2", "vpcs: 2, ports: 8, hosts: 2")
    assert len(found.kept[0]) == 5
    assert len(found.gone) == 5
    assert len(found.added) == 11


def test_ports_that_move_keep_what_they_are() -> None:
    found = difference(
        "vpcs: 1, ports: 8, hosts: 2, spread: even", "vpcs: 1, ports: 8, hosts: 2, spread: packed"
    )
    assert found.new
    assert found.old
    moved = found.moved
    assert 0 < len(moved) < 8
    assert (found.new.ports.host[moved] != found.old.ports.host[moved]).all()
    assert not len(found.changed)


@pytest.mark.parametrize(
    "words", ["vpcs: 2, ports: 5, hosts: 2", "vpcs: 2, ports: 5, hosts: 2, overlap: true"]
)
def test_a_plan_differs_from_none_and_not_from_itself(words: str) -> None:
    one, other = plan(words), plan(words)
    assert same_plan(one, other)
    assert OverlayDifference(one.overlay, other.overlay).is_empty
    assert OverlayDifference(None, None).is_empty
    assert len(OverlayDifference(None, one.overlay).added) == 10
    assert not OverlayDifference(one.overlay, None).is_empty


def test_plans_with_the_same_full_nodes_are_told_apart_by_their_light_ports() -> None:
    one, other = plan("vpcs: 1, ports: 5, hosts: 2"), plan("vpcs: 1, ports: 6, hosts: 2")
    assert not same_plan(one, other)
    assert same_plan(one.full, other.full)
    renamed = plan("vpcs: 1, ports: 5, hosts: 2, cidr: 10.1.0.0/16")
    assert not same_plan(one, renamed)  # addresses alone differ
