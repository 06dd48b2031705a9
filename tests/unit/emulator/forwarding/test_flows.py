"""Computed flows: everything arrives once, whichever way a switch chooses and whatever is down."""

from __future__ import annotations

import time
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.frames import BROADCAST, LOCAL, Frames
from support.topologies import made

from emulator.forwarding.flow_problems import problems
from emulator.forwarding.flows import computed
from emulator.forwarding.select import forwarding_for
from topologies.topology import Topology

FAT_TREE = {"generator": "fat-tree", "k": 4}


def ovs(topology: dict[str, Any], flows: str, **keys: Any) -> Topology:
    return made(topology, switch="ovs", openflow={"flows": flows}, **keys)


def frames(topology: Topology, up: np.ndarray[Any, np.dtype[np.bool_]] | None = None) -> Frames:
    forwarding = forwarding_for(topology, up)
    flows, groups = {}, {}
    for mode in ("tree", "ecmp"):
        tables = computed(topology, forwarding, mode, up)
        flows.update(tables.flows)
        groups.update(tables.groups)
    return Frames(topology, forwarding, flows, groups, up)


def check(topology: Topology, up: np.ndarray[Any, np.dtype[np.bool_]] | None = None) -> int:
    """Check every pair of senders and every broadcast against the graph; return the pairs that reach."""
    network = frames(topology, up)
    graph: nx.Graph[int] = nx.Graph()
    senders = list(network.senders())
    alive = np.ones(topology.link_count, dtype=bool) if up is None else up
    place = {(int(topology.ends[link, end]), str(topology.ports[link, end])): (link, end)
             for link in range(topology.link_count) for end in (0, 1)}  # fmt: skip
    # a bridging node is a vertex, any other node's port is one
    bridges = {node for node in range(topology.node_count) if forwarding_for(topology).has_bridge(node)}
    for (node, port), (link, end) in place.items():
        vertex = (node, LOCAL) if node in bridges else (node, port)
        graph.add_node(vertex)
        if alive[link] and end == 0:
            far = int(topology.ends[link, 1])
            graph.add_edge(vertex, (far, LOCAL if far in bridges else str(topology.ports[link, 1])))
    graph.add_nodes_from(senders)
    reached = 0
    for source in senders:
        near = nx.node_connected_component(graph, source) - {source}
        for got in network.outcomes(source, BROADCAST):
            hosts = {key: count for key, count in got.items() if key in senders and key != source}
            assert hosts == dict.fromkeys(near.intersection(senders), 1)
        for target in senders:
            if target == source:
                continue
            for got in network.outcomes(source, network.address(target)):
                assert got[target] == (target in near), (source, target)
                assert max(got.values(), default=0) <= 1
            reached += target in near
    return reached


@pytest.mark.parametrize("flows", ["tree", "ecmp"])
@pytest.mark.parametrize("topology", [
    {"generator": "tree", "depth": 3, "fanout": 2},
    FAT_TREE,
    {"generator": "leaf-spine", "leaves": 3, "spines": 3, "hosts_per_leaf": 2},
    {"generator": "ring", "k": 5},
    {"generator": "torus", "dims": [3, 3]},
])  # fmt: skip
def test_all_families_deliver_everything_once(topology: dict[str, Any], flows: str) -> None:
    network = ovs(topology, flows)
    hosts = len(network.hosts)
    assert check(network) == hosts * (hosts - 1)


def test_servers_that_relay_are_reached_along_the_tree() -> None:
    network = ovs({"generator": "bcube", "n": 3, "k": 1}, "tree")
    assert check(network) == 9 * 8


def test_shortest_paths_are_all_used_and_no_longer_ones() -> None:
    topology = ovs(FAT_TREE, "ecmp")
    names, forwarding = topology.names, forwarding_for(topology)
    groups, flows = computed(topology, forwarding, "ecmp")
    assert [len(groups[names.find(name)]) for name in ("c1", "a1", "e1")] == [0, 1, 1]
    edge, other_pod = flows[names.find("e1")], "02:00:00:24:00:00"
    assert f"priority=10,dl_dst={other_pod},actions=group:1" in edge
    (group,) = groups[names.find("e1")]
    method = f"selection_method=dp_hash,selection_method_param={names.find('e1') + 1}"
    buckets = [f"bucket=watch_port:{port},actions=output:{port}" for port in (3, 4)]
    assert group == ",".join(["group_id=1,type=select", method, *buckets])


def test_switches_hash_differently() -> None:
    topology = ovs(FAT_TREE, "ecmp")
    groups = computed(topology, forwarding_for(topology), "ecmp").groups
    lines = [line.replace("group_id=1", "") for lines in groups.values() for line in lines]
    assert len(lines) == len(set(lines)) == 16


def test_a_tree_needs_no_groups() -> None:
    topology = ovs(FAT_TREE, "tree")
    assert not any(computed(topology, forwarding_for(topology), "tree").groups.values())


def test_both_ports_of_a_host_are_reached_and_parallel_links_shared() -> None:
    nodes = {"h1": {}, "h2": {}, "s1": {"kind": "switch"}, "s2": {"kind": "switch"}}
    links = [["h1", "s1"], ["h1", "s2"], ["h2", "s2"], ["s1", "s2"], ["s1", "s2"]]
    topology = ovs({"nodes": nodes, "links": links}, "ecmp")
    assert check(topology) == 6
    first = topology.names.find("s1")
    (group,) = computed(topology, forwarding_for(topology), "ecmp").groups[first]
    assert group.count("bucket") == 2


def test_kernel_bridges_at_the_border_take_part() -> None:
    nodes = {f"h{i}": {} for i in range(4)} | {f"s{i}": {"kind": "switch"} for i in range(6)}
    fabric = [["s0", "s2"], ["s0", "s3"], ["s1", "s2"], ["s1", "s3"]]
    links = [*fabric, ["s2", "s4"], ["s3", "s5"], ["h0", "s4"], ["h1", "s5"], ["h2", "s2"], ["h3", "s3"]]
    bridges = [{"match": {"name": f"s{i}"}, "switch": "bridge"} for i in (4, 5)]
    topology = made({"nodes": nodes, "links": links}, switch="ovs", openflow={"flows": "ecmp"}, nodes=bridges)
    assert problems(topology, forwarding_for(topology)) == []
    assert check(topology) == 12


def test_two_ways_from_a_bridge_to_ecmp_switches_are_refused() -> None:
    nodes = {"h1": {}, "h2": {}} | {f"s{i}": {"kind": "switch"} for i in (1, 2, 3)}
    links = [["s1", "s2"], ["s2", "s3"], ["s1", "s3"], ["h1", "s1"], ["h2", "s3"]]
    keys = {"switch": "ovs", "openflow": {"flows": "ecmp"}}
    mixed = [{"match": {"name": "s3"}, "switch": "bridge"}]
    topology = made({"nodes": nodes, "links": links}, nodes=mixed, **keys)
    (reason,) = problems(topology, forwarding_for(topology))
    assert reason.startswith("s3: two ways lead from here")
    whole = made({"nodes": nodes, "links": links}, **keys)
    assert problems(whole, forwarding_for(whole)) == []


def test_servers_that_relay_between_ecmp_switches_are_refused() -> None:
    topology = ovs({"generator": "bcube", "n": 3, "k": 1}, "ecmp")
    (reason,) = problems(topology, forwarding_for(topology))
    assert "and 6 more: two ways" in reason


def test_switches_with_a_controller_have_no_computed_flows() -> None:
    topology = made(FAT_TREE, switch="ovs", openflow={"controller": "learning", "flows": "tree"})
    assert computed(topology, forwarding_for(topology), "tree").flows == {}


def test_a_thousand_hosts_on_85_switches_take_less_than_a_second() -> None:
    topology = made({"generator": "tree", "depth": 4, "fanout": 4}, switch="ovs", openflow={"flows": "ecmp"})
    topology = ovs({"generator": "core-aggregation-edge", "cores": 5, "aggregations": 16, "edges": 64,
                    "hosts_per_edge": 16}, "ecmp")  # fmt: skip
    assert (len(topology.hosts), topology.node_count) == (1024, 1024 + 85)
    forwarding = forwarding_for(topology)
    begin = time.perf_counter()
    tables = computed(topology, forwarding, "ecmp")
    assert time.perf_counter() - begin < 1.0
    assert {len(lines) for lines in tables.flows.values()} >= {1024 + 2}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_random_graphs_with_links_down_deliver_everything_once(data: st.DataObject) -> None:
    switches = data.draw(st.integers(1, 6))
    hosts = data.draw(st.integers(1, 5))
    kinds = data.draw(st.lists(st.sampled_from(["ovs", "bridge"]), min_size=switches, max_size=switches))
    flows = data.draw(st.sampled_from(["tree", "ecmp"]))
    pairs = data.draw(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12))
    homes = data.draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1, max_size=8))
    relays = data.draw(st.lists(st.booleans(), min_size=hosts, max_size=hosts))
    nodes = {f"h{i}": {"relay": True} if relays[i] else {} for i in range(hosts)}
    nodes |= {f"s{i}": {"kind": "switch"} for i in range(switches)}
    links = [[f"s{a % switches}", f"s{b % switches}"] for a, b in pairs if a % switches != b % switches]
    links += [[f"h{a % hosts}", f"s{b % switches}"] for a, b in homes]
    rules = [
        {"match": {"name": f"s{i}"}, "switch": "bridge"} for i in range(switches) if kinds[i] == "bridge"
    ]
    topology = made({"nodes": nodes, "links": links}, switch="ovs", openflow={"flows": flows}, nodes=rules)
    assume(not problems(topology, forwarding_for(topology)))
    up = data.draw(st.lists(st.booleans(), min_size=len(links), max_size=len(links)) | st.none())
    check(topology, None if up is None else np.array(up, dtype=bool))
