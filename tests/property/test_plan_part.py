"""The parts of a plan, worker by worker, say together what the whole says, but for links between workers."""

from __future__ import annotations

import struct
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.graphs import arbitrary, generated

from emulator.engines.hosts_file import hosts_text
from emulator.forwarding.base import Role
from emulator.indices import BRIDGE_INDEX
from emulator.linux.netlink.messages import IFLA_MASTER, attribute
from emulator.linux.nodes.creation_order import MakingOrder
from emulator.linux.nodes.node_messages import NodeMessages
from emulator.placement.worker import numbered
from emulator.plan import Plan, make_plan
from emulator.plan_part import PlanPart
from topologies.build import build
from topologies.spec.load import load_text
from topologies.topology import Topology

LINK = struct.Struct("=BxHiII")
"""struct ifinfomsg: family, type, index, flags, change."""
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
OTHERS = [
    "switch: ovs\ntopology: {generator: fat-tree, k: 4}",
    "forwarding: routed\naddressing: {ipv6: 'fd00::/48'}\ntopology: {generator: torus, dims: [3, 3]}",
    "addressing: {ipv6: 'fd00::/64'}\ntopology: {generator: bcube, n: 3, k: 1}",
    "links: [{match: {between: [switch, switch]}, bandwidth: 10 Mbit}]\ntopology: {generator: ring, k: 5}",
    "forwarding: routed\naddressing: {static_arp: true}\ntopology: {generator: fat-tree, k: 4}",
]


def variants() -> st.SearchStrategy[Topology]:
    return st.sampled_from(OTHERS).map(lambda text: build(load_text("name: t\n" + text)))


@st.composite
def placed(draw: st.DrawFn) -> Plan:
    """A plan whose nodes are on any workers, links up or down."""
    topology = draw(st.one_of(arbitrary(), generated(), variants()))
    count = draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 16)))
    if draw(st.booleans()):
        placement = make_plan(topology, "netns", count).placement
    else:
        placement = rng.integers(0, count, topology.node_count).astype(np.int32)
    up = rng.random(topology.link_count) < 0.9 if draw(st.booleans()) else None
    return Plan(topology, "netns", placement, numbered(count), up)


Written = dict[int, tuple[list[bytes], list[bytes], list[tuple[str, str]]]]


def written(part: PlanPart) -> Written:
    """Return the messages of both batches of each node, and what all of them are called."""
    writer = NodeMessages(part)
    pending = set(writer.order.pending_nodes)
    out: Written = {}
    for run in writer.order.runs():
        for node in run:
            first = writer.first(node, lambda other: other)
            second = writer.second(node) if node in pending else type(first)()
            out[node] = first.messages, second.messages, first.labels + second.labels
    return out


@FEW
@given(placed())
def test_the_parts_together_write_what_the_whole_writes_without_links_between_workers(plan: Plan) -> None:
    topology, whole = plan.topology, written(plan.whole)
    parts: Written = {}
    for worker in range(len(plan.workers)):
        messages = written(plan.part(worker))
        assert set(messages) == set(np.flatnonzero(plan.placement == worker).tolist())
        parts |= messages
    assert set(parts) == set(whole)
    concerned = set(topology.ends[plan.cut].ravel().tolist())
    near = {n for pair in topology.ends.tolist() if concerned.intersection(pair) for n in pair}
    for node in set(whole) - near:
        assert parts[node] == whole[node]
    made = [Counter(t for *_, labels in all_.values() for op, t in labels if op == "make link")
            for all_ in (parts, whole)]  # fmt: skip
    assert made[0].total() == topology.link_count - int(plan.cut.sum())
    ends = {frozenset(ends_of(plan, link)) for link in np.flatnonzero(~plan.cut).tolist()}
    assert all(count == 1 for count in made[0].values())
    assert {name for names in ends for name in names}.issuperset(made[0])
    for node in near:  # routes, neighbours and what is on no port stay the node's own
        for op in ("route in", "set neighbour of", "make bridge", "bring up lo of"):
            had, has = (Counter(label for label in w[node][2] if label[0] == op) for w in (whole, parts))
            assert had == has


def ends_of(plan: Plan, link: int) -> list[str]:
    part = plan.whole
    nodes, ports = plan.topology.ends[link].tolist(), plan.topology.ports[link].tolist()
    return [f"{part.names[node]}-eth{port}" for node, port in zip(nodes, ports, strict=True)]


@FEW
@given(placed())
def test_indices_names_and_addresses_are_those_of_the_whole(plan: Plan) -> None:
    topology, lines = plan.topology, []
    seen: Counter[int] = Counter()
    for worker in range(len(plan.workers)):
        part = plan.part(worker)
        assert part.names == [topology.names[node] for node in part.nodes.tolist()]
        for row, node in enumerate(part.nodes.tolist()):
            assert part.addresses.of(row) == plan.forwarding.addresses(node)
            assert part.node_row[node] == row
        for row, link in enumerate(part.links.tolist()):
            assert part.indices.ends[row] == plan.indices.ends[link]
            assert part.link_row[link] == row
        near = topology.ends[part.tunnels.link, part.tunnels.end].tolist()
        for at, (link, end) in enumerate(zip(*(c.tolist() for c in part.tunnels[:2]), strict=True)):
            assert part.indices.ends[len(part.links) + at][end] == plan.indices.ends[link][end]
            assert part.tunnels.worker[at, end] == worker != part.tunnels.worker[at, 1 - end]
            assert plan.placement[topology.ends[link]].tolist() == part.tunnels.worker[at].tolist()
        assert all(plan.placement[node] == worker for node in near)
        seen.update(part.links.tolist() + part.tunnels.link.tolist())
        lines += hosts_text(part).splitlines()[2:]
    assert sorted(lines) == sorted(hosts_text(plan.whole).splitlines()[2:])
    expected = np.where(plan.cut, 2, 1).tolist()
    assert [seen[link] for link in range(topology.link_count)] == expected


@FEW
@given(placed())
def test_a_link_between_workers_is_a_tunnel_with_an_end_on_both(plan: Plan) -> None:
    """Each end is created once, up unless the link is down, and in its bridge if it has one."""
    addresses = {worker.name: f"10.0.0.{number}" for number, worker in enumerate(plan.workers)}
    plan = replace(plan, options={"underlay": {"vni": 5, "addresses": addresses}})
    found: Counter[str] = Counter()
    for worker in range(len(plan.workers)):
        part = plan.part(worker)
        writer, made = NodeMessages(part), dict[str, bytes]()
        second = [label for node in writer.order.pending_nodes for label in writer.second(node).labels]
        for node in part.nodes.tolist():
            batch = writer.tunnels(node, 3, 0)
            made |= {name: m for m, (_, name) in zip(batch.messages, batch.labels, strict=True)}
        for link in part.tunnels.link.tolist():
            ((end, node, port, ifindex),) = part.ends_here(link)
            name = f"{plan.topology.names[node]}-eth{port}"
            _, _, index, flags, _ = LINK.unpack_from(made[name], 16)
            down = plan.up is not None and not plan.up[link]
            assert index == ifindex == plan.indices.of(node, port)
            assert (flags & 1) + second.count(("bring up", name)) == (not down)
            bridged = plan.forwarding.roles[link, end] == Role.BRIDGED and not plan.namespaces.shared[node]
            master = attribute(IFLA_MASTER, (BRIDGE_INDEX).to_bytes(4, sys.byteorder)) in made[name]
            assert bool(master or second.count(("bridge", name))) == bridged
        found.update(made.keys())
    assert found.total() == 2 * int(plan.cut.sum())
    assert set(found.values()) <= {1}


@FEW
@given(placed())
def test_nodes_of_a_part_are_made_in_the_order_of_the_whole(plan: Plan) -> None:
    order = MakingOrder(plan.whole).nodes
    for worker in range(len(plan.workers)):
        here = [node for node in order if plan.placement[node] == worker]
        assert MakingOrder(plan.part(worker)).nodes == here


@FEW
@given(placed(), st.data())
def test_a_part_of_a_part_keeps_its_indices(plan: Plan, data: st.DataObject) -> None:
    part = plan.part(data.draw(st.integers(0, len(plan.workers) - 1)))
    mask = np.random.default_rng(data.draw(st.integers(0, 99))).random(len(part.links)) < 0.5
    links = part.links[mask]
    nodes = np.unique(plan.topology.ends[links]).astype(np.int64)
    small = part.only(nodes, links)
    assert small.indices.ends == [plan.indices.ends[link] for link in links.tolist()]
    assert small.nodes[small.ends].tolist() == plan.topology.ends[links].tolist()
    for node in nodes.tolist():
        ports = range(int(plan.topology.degrees[node]) + 2)
        assert [small.indices.of(node, p) for p in ports] == [part.indices.of(node, p) for p in ports]
