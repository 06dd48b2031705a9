"""A part's work is that of its own nodes, however large the graph around it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from types import FrameType
from typing import Any

import numpy as np
import pytest

from emulator.difference import difference
from emulator.engines.hosts_file import hosts_of, hosts_text
from emulator.engines.limits import global_needs
from emulator.linux.nodes.link_messages import LinkMessages
from emulator.linux.nodes.node_messages import NodeMessages
from emulator.linux.nodes.node_sysctls import NodeSysctls
from emulator.linux.observed.wanted import WantedState
from emulator.placement.worker import numbered
from emulator.plan import Plan
from topologies.build import build
from topologies.names import Names
from topologies.spec.load import load_text

KEYS = ["", "switch: ovs", "forwarding: routed"]


def lines_run(work: Callable[[], object]) -> int:
    """Return how many lines of Python ran: one for each turn of a loop or comprehension."""
    count = 0

    def tracer(frame: FrameType, event: str, argument: Any) -> Any:
        del frame, argument
        nonlocal count
        count += event == "line"
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def plan_of(zones: int, keys: str) -> Plan:
    """Return a plan whose second worker has one pod of a region of `zones` zones."""
    text = f"{{generator: region, zones: {zones}, pods: 2, racks: 3, hosts: 4, fabrics: 2, spines: 2}}"
    topology = build(load_text(f"name: t\n{keys}\ntopology: {text}"))
    pod = topology.names.match("z1p1*")
    placement = np.zeros(topology.node_count, dtype=np.int32)
    placement[pod] = 1
    return Plan(topology, "netns", placement, numbered(2))


def work(plan: Plan) -> list[bytes]:
    """Do what worker 1 does for its part; return its messages, hosts file included."""
    part = plan.part(1)
    writer = NodeMessages(part)
    out = [m for run in writer.order.runs() for n in run for m in writer.first(n, lambda _: 3).messages]
    out += [m for node in writer.order.pending_nodes for m in writer.second(node).messages]
    NodeSysctls(part)
    return [*out, hosts_text(part).encode()]


@pytest.mark.parametrize("keys", KEYS[:2])
def test_a_part_costs_the_same_in_a_small_graph_and_in_a_large_one(keys: str) -> None:
    small, large = plan_of(2, keys), plan_of(48, keys)
    for plan in (small, large):
        assert plan.forwarding.roles.size  # the tree is the whole graph's
    assert large.topology.node_count > 20 * small.topology.node_count
    work(plan_of(2, keys))  # what is kept for messages of one size is there from now on
    few, many = (lines_run(lambda plan=plan: work(plan)) for plan in (small, large))  # type: ignore[misc]
    assert 1000 < many < 1.02 * few


@pytest.mark.parametrize("keys", KEYS)
def test_only_names_of_nodes_of_the_part_are_asked_for(monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    plan = plan_of(4, keys)
    whole = NodeMessages(plan.whole)
    del whole
    asked: set[int] = set()
    one = Names.__getitem__

    def noted(names: Names, node: int) -> str:
        asked.add(node)
        return one(names, node)

    def never(names: Names) -> Any:
        raise AssertionError("all names were asked for")

    monkeypatch.setattr(Names, "__getitem__", noted)
    monkeypatch.setattr(Names, "__iter__", never)
    assert work(plan)
    part = plan.part(1)
    beyond = set(plan.topology.ends[part.tunnels.link].ravel().tolist())
    assert asked.issuperset(part.nodes.tolist())
    assert asked - set(part.nodes.tolist()) <= beyond


def test_tunnels_say_which_workers_they_join_and_which_end_is_here() -> None:
    plan = plan_of(1, "")
    here, there = plan.part(1), plan.part(0)
    cut = np.flatnonzero(plan.cut).tolist()
    assert here.tunnels.link.tolist() == there.tunnels.link.tolist() == cut
    assert (here.tunnels.end + there.tunnels.end == 1).all()
    assert np.array_equal(here.tunnels.worker, plan.placement[plan.topology.ends[cut]])
    assert set(here.links.tolist()).isdisjoint(cut)
    assert here.tunnel_counts.sum() == len(cut)


OPTIONS = {"underlay": {"vni": 9, "addresses": {"w1": "10.0.0.1", "w2": "10.0.0.2"}}}


@pytest.mark.parametrize(
    "look",
    [
        lambda plan: LinkMessages(plan.here),
        lambda plan: [WantedState(plan, {}).node(node) for node in plan.here.nodes.tolist()],
        lambda plan: difference(plan, replace(plan, options={"underlay": {**OPTIONS["underlay"], "vni": 1}})),
        global_needs,
    ],
    ids=["messages", "comparison", "difference", "limits"],
)
def test_a_machine_with_a_share_looks_at_its_share_only(look: Callable[[Plan], object]) -> None:
    small, large = (replace(plan_of(zones, ""), options=OPTIONS, share=1) for zones in (2, 48))
    assert small.here.tunnels.link.size
    for plan in (small, large):
        assert plan.forwarding.roles.size
        assert plan.here.nodes.size == small.here.nodes.size
    look(replace(small))
    few, many = (lines_run(lambda plan=plan: look(plan)) for plan in (small, large))  # type: ignore[misc]
    assert 100 < many < 1.1 * few


def test_a_hosts_file_has_all_names_unless_they_are_far_more_than_the_share() -> None:
    plan = replace(plan_of(4, ""), options=OPTIONS, share=1)
    assert hosts_of(plan) == hosts_text(plan.whole)
    huge = replace(plan_of(150, ""), options=OPTIONS, share=1)
    assert huge.topology.node_count > 4096 + 8 * len(huge.here.nodes)
    assert hosts_of(huge) == hosts_text(huge.here)
