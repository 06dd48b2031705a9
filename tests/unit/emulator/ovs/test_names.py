"""Names of switches that clash with a port of another switch of their namespace."""

from __future__ import annotations

from itertools import pairwise

import pytest
from support.topologies import made

from emulator.engines.driven.node_lines import is_switch, program_name
from emulator.engines.mininet import refusals as mininet_refusals
from emulator.ovs.names import RESERVED, name_clashes
from emulator.ovs.refusals import own_switch_refusals
from emulator.plan import Plan, make_plan

CLASH = (
    "s1-eth1: a port of the switch s1 has that name too, and both are devices of one namespace; "
    "give one of the two switches another name"
)


def plan_of(names: list[str], engine: str = "netns", **keys: object) -> Plan:
    """Return a plan of a line of switches with these names, and a host at the first."""
    nodes = {"h1": {}, **{name: {"kind": "switch"} for name in names}}
    links = [["h1", names[0]], *([a, b] for a, b in pairwise(names))]
    return make_plan(made({"nodes": nodes, "links": links}, **keys), engine)


def test_a_switch_named_like_anothers_port() -> None:
    assert own_switch_refusals(plan_of(["s1", "s1-eth1"], switch="ovs")) == [CLASH]
    assert own_switch_refusals(plan_of(["s1", "s1-eth3"], switch="ovs")) == []  # s1 has two ports
    assert own_switch_refusals(plan_of(["s1", "s1-eth1"])) == []  # bridges have a namespace each


def test_only_switches_of_the_shared_namespace_count() -> None:
    one = [{"match": {"name": "s1"}, "switch": "ovs"}]
    assert own_switch_refusals(plan_of(["s1", "s1-eth1"], nodes=one)) == []
    host = made(
        {"nodes": {"s1": {"kind": "switch"}, "s1-eth1": {}}, "links": [["s1", "s1-eth1"]]}, switch="ovs"
    )
    assert own_switch_refusals(make_plan(host, "netns")) == []


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_names_that_open_vswitch_has_itself(name: str) -> None:
    assert own_switch_refusals(plan_of(["s1", name], switch="ovs")) == [
        f"{name}: Open vSwitch can't have a switch of that name; give it another"
    ]


def test_long_names_are_shortened_and_clash_with_nothing() -> None:
    names = ["a-rather-long-name", "a-rather-long-name-eth1", "a-rather-long-name-eth2"]
    assert own_switch_refusals(plan_of(names, switch="ovs")) == []


def test_mininet_has_all_its_switches_in_one_namespace() -> None:
    plan = plan_of(["s1", "s1-eth1"], "mininet")
    switches = {node: program_name(plan, node) for node in range(3) if is_switch(plan, node)}
    assert list(name_clashes(plan.topology, switches, "Mininet")) == [CLASH]
    assert list(mininet_refusals._names(plan)) == [CLASH]
