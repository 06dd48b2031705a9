"""What Mininet is told of a plan: documents, lines for `ip`, steps of a change, refusals."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from support.links import change_of
from support.topologies import made

from emulator.engines.driven.node_lines import after_up, changes, host_address, node_lines
from emulator.engines.driven.shaping import soft_queue, tc_options
from emulator.engines.mininet import refusals
from emulator.engines.mininet.converge import difference
from emulator.engines.mininet.document import Document, document
from emulator.engines.mininet.links import link_steps
from emulator.errors import RefusedError
from emulator.network import LinkState
from emulator.ovs.bridges import KERNEL, USERSPACE, bridges
from emulator.plan import Plan, make_plan
from topologies.identifiers import interface_name
from topologies.profiles import Shape

RING = {"generator": "ring", "k": 3, "hosts_per_switch": 1}


def plan_of(
    topology: dict[str, Any], up: np.ndarray[Any, np.dtype[np.bool_]] | None = None, **keys: Any
) -> Plan:
    return make_plan(made(topology, **keys), "mininet", up=up)


def written(plan: Plan, datapath: str = USERSPACE) -> Document:
    found = document(plan, bridges(plan, lambda _: datapath))
    json.dumps([found.nodes, found.links, found.controllers])  # the driver reads JSON
    return found


def test_nodes_and_links_by_the_names_of_the_plan() -> None:
    found = written(plan_of(RING))
    assert found.nodes["s1"] == {"name": "s1", "kind": "bridge", "dpid": "0000000000000001"}
    assert found.nodes["h1"] == {"name": "h1", "kind": "host", "router": False, "bridge": None}
    ends = next(link["ends"] for link in found.links.values() if "h1" in {e["node"] for e in link["ends"]})
    end = next(end for end in ends if end["node"] == "h1")
    assert end == {
        "node": "h1", "port": 0, "ip": "10.0.0.1/8", "name": "h1-eth0", "mac": "02:00:00:04:00:00",
        "shape": {}, "queue": None, "plain_sums": False,
    }  # fmt: skip
    assert host_address(plan_of(RING), 3) == "10.0.0.1/8"


def test_a_port_that_would_close_a_loop_stays_out_of_its_switch() -> None:
    found = written(plan_of(RING))
    assert sum(len(out) for out in found.out.values()) == 2


def test_flows_need_all_ports() -> None:
    found = written(plan_of(RING, switch="ovs", openflow={"flows": "ecmp"}))
    assert not any(found.out.values())
    assert "OpenFlow15" in found.nodes["s1"]["protocols"]


@pytest.mark.parametrize(
    ("datapath", "called", "sums"), [(USERSPACE, "user", True), (KERNEL, "kernel", False)]
)
def test_checksums_are_whole_where_a_switch_is_in_user_space(datapath: str, called: str, sums: bool) -> None:
    found = written(plan_of(RING, switch="ovs"), datapath)
    assert found.nodes["s1"]["datapath"] == called
    assert {end["plain_sums"] for link in found.links.values() for end in link["ends"]
            if end["node"].startswith("h")} == {sums}  # fmt: skip


def test_controllers_keep_their_names_unless_a_node_has_them() -> None:
    nodes = {"c0": {}, "s1": {"kind": "switch"}}
    plan = plan_of(
        {"nodes": nodes, "links": [["c0", "s1"]]}, switch="ovs", openflow={"controller": "learning"}
    )
    found = written(plan)
    assert found.controllers == [{"name": "controller.c0", "port": 6653}]
    assert found.nodes["s1"]["controllers"] == ["controller.c0"]


def test_long_names_of_switches_become_those_of_their_bridges() -> None:
    name = "a-switch-with-a-long-name"
    found = written(plan_of({"nodes": {"h1": {}, name: {"kind": "switch"}}, "links": [["h1", name]]}))
    assert set(found.nodes) == {"h1", "_1"}


def test_lines_of_a_router_and_what_takes_them_back() -> None:
    plan = plan_of({"generator": "leaf-spine", "leaves": 2, "spines": 2}, forwarding="routed")
    router = next(node for node in range(plan.topology.node_count) if plan.forwarding.is_router(node))
    lines = node_lines(plan, router)
    assert any(line.startswith("route replace ") for line in lines)
    assert all(back for line, back in lines.items() if line.startswith(("addr ", "route ", "neigh ")))
    assert changes(lines, lines) == ([], [])
    takes, gives = changes(lines, {})
    assert gives == []
    assert takes[0].startswith("route del ")
    assert changes({"route replace 10.0.0.0/8 dev a": "route del 10.0.0.0/8"},
                   {"route replace 10.0.0.0/8 dev b": "route del 10.0.0.0/8"}) == (
        [], ["route replace 10.0.0.0/8 dev b"])  # fmt: skip


def test_routes_come_back_over_the_ports_that_are_up() -> None:
    plan = plan_of({"generator": "leaf-spine", "leaves": 2, "spines": 2}, forwarding="routed")
    several = [
        (node, route)
        for node in range(plan.topology.node_count)
        for route in plan.forwarding.routes(node)
        if len(route.hops) > 1
    ]
    node, route = several[0]
    down = {route.hops[0].port}
    assert any("nexthop" in line for line in after_up(plan, node))
    assert not any("nexthop" in line for line in after_up(plan, node, down))


def test_what_a_port_takes_along_is_what_names_it() -> None:
    plan = plan_of({"generator": "leaf-spine", "leaves": 2, "spines": 2}, forwarding="routed")
    node = next(node for node in range(plan.topology.node_count) if plan.forwarding.is_router(node))
    lines = after_up(plan, node)
    for end in plan.topology.incident(node):
        name = interface_name(plan.topology, node, end.port)
        some = after_up(plan, node, ports={end.port})
        assert 0 < len(some) < len(lines)
        assert some == [line for line in lines if f" dev {name} " in f"{line} "]
    assert after_up(plan, node, ports=set()) == []


def test_a_link_that_goes_down_is_followed_in_an_order_without_loops() -> None:
    topology = made(RING)
    names = list(topology.names)
    link = next(n for n, ends in enumerate(topology.ends.tolist())
                if {names[end] for end in ends} == {"s1", "s2"})  # fmt: skip
    steps = link_steps(change_of(topology, {}, {link: LinkState(up=False)}, "mininet"))
    assert [step for step, _ in steps] == [
        "ports", "batches", "move", "ports", "batches", "move", "forget", "batches",
    ]  # fmt: skip
    assert len(steps[0][1]["names"]) == 2
    assert steps[0][1]["up"] is False


def test_only_the_shape_changes() -> None:
    topology = made(RING)
    ((step, arguments),) = link_steps(
        change_of(topology, {}, {0: LinkState(forward=Shape(bandwidth=1e6))}, "mininet")
    )
    assert step == "shape"
    assert [end["shape"] for end in arguments["ends"]] == [{"bw": 1.0}]


def test_shapes_as_mininet_takes_them() -> None:
    assert tc_options(Shape()) == {}
    assert tc_options(Shape(bandwidth=1.5e6)) == {"bw": 1.5}
    assert tc_options(Shape(jitter=1e-3, loss=0.02)) == {
        "delay": "0us", "jitter": "1000us", "loss": 2.0, "max_queue_size": 2000,
    }  # fmt: skip
    assert tc_options(Shape(queue=7)) == {"max_queue_size": 7}
    assert soft_queue(Shape(bandwidth=2e7)) == 64
    assert soft_queue(Shape(bandwidth=2e7, delay=1e-3)) is None


def test_a_changed_file_leaves_what_is_the_same() -> None:
    first = {"nodes": {"h1": {}, "h2": {}, "s1": {"kind": "switch"}}, "links": [["h1", "s1"], ["h2", "s1"]]}
    old = plan_of(first)
    assert difference(old, old).is_empty
    nodes = {**first["nodes"], "h3": {}}  # type: ignore[dict-item]
    new = plan_of({"nodes": nodes, "links": [*first["links"], ["h3", "s1"]]})
    change = difference(old, new)
    assert (change.gone_nodes, change.gone_links, change.new_nodes) == ([], [], [3])
    assert change.lines(old, new)[:2] == ["added 1 node: h3", "added 1 link"]


def test_refusals_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "mininet_version", lambda: None)
    monkeypatch.setattr(refusals, "find_program", lambda _: None)
    monkeypatch.setattr(refusals, "has_qdisc", lambda _: False)
    between = {"between": ["host", "switch"]}
    plan = plan_of(RING, links=[{"match": between, "bandwidth": "10 Gbit", "delay": "1 ms", "reorder": "1%"}])
    with pytest.raises(RefusedError) as caught:
        refusals.refuse(plan)
    words = str(caught.value)
    for part in (
        "`apt install mininet`",
        "`apt install bridge-utils`",
        "bandwidth 10 Gbit",
        "reorder",
        "netem",
    ):
        assert part in words


def test_too_many_nodes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "mininet_version", lambda: "2.3.0")
    monkeypatch.setattr(refusals, "find_program", lambda name: f"/usr/bin/{name}")
    plan = plan_of({"generator": "linear", "k": 100, "hosts_per_switch": 81})
    with pytest.raises(RefusedError, match="8,200 nodes; Mininet ends at 8,187"):
        refusals.refuse(plan)
