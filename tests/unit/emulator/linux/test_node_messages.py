"""Which messages a plan's nodes are made of, and in which order."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from emulator.linux.netlink.connection import Batch, attributes
from emulator.linux.netlink.datagrams import HEADER
from emulator.linux.nodes.creation_order import creation_order
from emulator.linux.nodes.link_messages import LinkMessages
from emulator.linux.nodes.node_messages import NodeMessages
from emulator.plan import make_plan
from topologies.build import build
from topologies.spec.load import load_text
from topologies.topology import Kind, Topology


def topology_of(text: str) -> Topology:
    return build(load_text("name: t\n" + text))


def labels(topology: Topology) -> list[tuple[str, str]]:
    writer = NodeMessages(make_plan(topology, "netns").whole)
    out: list[tuple[str, str]] = []
    for node in writer.order.nodes:
        out += writer.first(node, lambda other: other).labels
    for node in writer.order.pending_nodes:
        out += writer.second(node).labels
    return out


def test_switches_are_made_before_hosts_and_hosts_switch_by_switch() -> None:
    topology = topology_of("topology: {generator: tree, depth: 2, fanout: 3}")
    order = creation_order(make_plan(topology, "netns").whole)
    kinds = topology.kinds[order].tolist()
    assert kinds == sorted(kinds, reverse=True)
    switches = [
        int(topology.ends[topology.incident(h)[0].link, 0]) for h in order.tolist() if not topology.kinds[h]
    ]
    assert switches == sorted(switches)


def test_each_link_is_made_once_and_each_host_gets_its_address() -> None:
    topology = topology_of("topology: {generator: fat-tree, k: 4}")
    counts = Counter(op.split(" ")[0] + " " + op.split(" ")[-1] for op, _ in labels(topology))
    assert counts["make link"] == topology.link_count
    assert counts["make bridge"] == 20
    assert counts["give to"] == 16


def test_a_host_of_a_switch_needs_no_second_batch() -> None:
    topology = topology_of("topology: {generator: tree, depth: 2, fanout: 3}")
    assert not NodeMessages(make_plan(topology, "netns").whole).order.pending.any()


def test_two_hosts_on_one_cable_are_both_addressed() -> None:
    topology = topology_of("topology: {nodes: {h1: {}, h2: {}}, links: [[h1, h2]]}")
    found = labels(topology)
    assert ("give 10.0.0.1 to", "h1-eth0") in found
    assert ("give 10.0.0.2 to", "h2-eth0") in found
    assert Counter(found)["bring up", "h1-eth0"] == 1


def test_blocked_ports_are_ports_of_no_bridge() -> None:
    text = "topology: {nodes: {s1: {kind: switch}, s2: {kind: switch}}, links: [[s1, s2], [s1, s2]]}"
    found = labels(topology_of(text))
    assert [target for op, target in found if op == "bridge"] == ["s2-eth1", "s1-eth1"]
    assert [target for op, target in found if op == "bring up"] == [
        "s2-eth1",
        "s2-eth2",
        "s1-eth1",
        "s1-eth2",
    ]


def test_the_older_end_is_opened_by_its_node() -> None:
    topology = topology_of("topology: {generator: linear, k: 3, hosts_per_switch: 1}")
    writer = NodeMessages(make_plan(topology, "netns").whole)
    made: set[int] = set()
    for node in writer.order.nodes:
        asked: list[int] = []
        writer.first(node, lambda other, asked=asked: asked.append(other) or 3)  # type: ignore[misc]
        assert set(asked) <= made
        made.add(node)
    assert {Kind(topology.kinds[n]) for n in made} == {Kind.HOST, Kind.SWITCH}


def veth_ends(message: bytes, node: int) -> list[tuple[int, int]]:
    """Return (namespace, index) of the main end and of the peer of a pair made from `node`; [] else."""
    found = dict(attributes(message, HEADER.size + 16))
    info = dict(attributes(found.get(18, b"")))
    if info.get(1) != b"veth":
        return []
    peer = dict(attributes(info[2]))[1]
    ends = []
    for header, given in ((message[HEADER.size :], found), (peer, dict(attributes(peer, 16)))):
        namespace = int.from_bytes(given[28], "little") if 28 in given else node
        ends.append((namespace, struct.unpack_from("=BxHi", header)[2]))
    return ends


LOOPS = [
    "{generator: fat-tree, k: 4}",
    "{generator: ring, k: 5}",
    "{generator: bcube, n: 3, k: 1}",
    "{generator: jellyfish, switches: 12, ports: 6, degree: 4}",
    "{generator: tree, depth: 3, fanout: 3}",
]


@pytest.mark.parametrize("words", LOOPS)
def test_an_index_is_free_where_older_kernels_look_for_it(words: str) -> None:
    """Linux before 6.15 looks for the main end's index in the socket's namespace: EEXIST, seen on 6.1."""
    topology = topology_of(f"topology: {words}")
    plan = make_plan(topology, "netns")
    writer = NodeMessages(plan.whole)
    taken: set[tuple[int, int]] = set()
    for node in writer.order.nodes:
        for message in writer.first(node, lambda other: other).messages:
            ends = veth_ends(message, node)
            assert not ends or (node, ends[0][1]) not in taken
            assert taken.isdisjoint(ends)
            taken.update(ends)
    expected = zip(topology.ends.ravel().tolist(), topology.ports.ravel().tolist(), strict=True)
    assert taken == {(node, plan.indices.of(node, port)) for node, port in expected}


@pytest.mark.parametrize("words", LOOPS)
def test_a_link_that_comes_back_finds_its_index_free_too(words: str) -> None:
    topology = topology_of(f"topology: {words}")
    plan = make_plan(topology, "netns")
    writer = LinkMessages(plan.whole)
    for link in range(topology.link_count):
        node = writer.newer_node(link)
        batch = Batch()
        writer.link(batch, link, lambda other: other)
        (namespace, index), (elsewhere, _) = veth_ends(batch.messages[0], node)
        assert {namespace, elsewhere} == set(topology.ends[link].tolist())
        others = {plan.indices.ends[at][end] for at, end, _ in topology.incident(node) if at != link}
        assert index not in others
        assert writer.needs_older_end(link) is (namespace == node)


def test_a_link_that_is_down_in_the_plan_is_made_and_left_down() -> None:
    topology = topology_of("topology: {generator: linear, k: 3, hosts_per_switch: 1}")
    up = np.ones(topology.link_count, dtype=bool)
    down = topology.link_count - 1
    up[down] = False
    writer = NodeMessages(make_plan(topology, "netns", up=up).whole)
    found: list[tuple[str, str]] = []
    for node in writer.order.nodes:
        found += writer.first(node, lambda other: other).labels
    for node in writer.order.pending_nodes:
        found += writer.second(node).labels
    names = topology.names
    ends = zip(topology.ends[down].tolist(), topology.ports[down].tolist(), strict=True)
    ours = {f"{names[node]}-eth{port}" for node, port in ends}
    assert [target for op, target in found if op == "make link" and target in ours]
    assert not [target for op, target in found if op == "bring up" and target in ours]


def test_who_has_tunnels_waits_for_them_and_counts_them_as_ports() -> None:
    """s2 has s1 and h here and s3 elsewhere: made after s1, it may have its tunnel already."""
    nodes = "s1: {kind: switch}, s2: {kind: switch}, s3: {kind: switch}, h: {}"
    topology = topology_of(f"topology: {{nodes: {{{nodes}}}, links: [[s2, s1], [s2, s3], [s2, h]]}}")
    plan = replace(make_plan(topology, "netns", 2), placement=np.array([0, 0, 1, 0], dtype=np.int32))
    part = plan.part(0)
    order = NodeMessages(part).order
    assert [part.names[part.node_row[node]] for node in order.pending_nodes] == ["s1", "s2"]
    # the index of its main end must be free among its ports; the tunnel comes last
    assert order.newer_is_main.tolist() == [True, False, False]
    alone = NodeMessages(plan.whole.only(np.array([0, 1, 3]), np.array([0, 2]))).order
    assert alone.newer_is_main.tolist() == [False, False]
    assert not alone.pending.any()
