"""Light nodes follow all others, whatever the order of the file; rules give them compute hosts."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from support.topologies import made, problems

from topologies import store
from topologies.errors import ParameterError
from topologies.names import NameBlock, NameList, Names
from topologies.spec.load import load_text
from topologies.topology import Topology

NODES = {
    "p": {"fidelity": "light", "ip": "10.0.0.9/8", "mac": "02:00:00:00:00:09"},
    "c1": {"cpu": 2.0},
    "s": {"kind": "switch"},
    "q": {"fidelity": "light"},
    "c2": {},
}
LINKS = [["p", "c1"], ["c1", "s"], ["c2", "q"], ["s", "c2"]]


def facts(topology: Topology) -> dict[str, object]:
    """Return what is true of each node by name, whatever the order."""
    assert topology.vpcs is not None
    graph: nx.Graph[str] = nx.Graph(topology.to_networkx())
    return {
        name: (
            int(topology.kinds[node]), topology.node_profile_of(node), topology.explicit.get(node),
            sorted(graph[name]), topology.vpcs.vpc_of(node), topology.tier_names[topology.tiers[node]],
        )
        for node, name in enumerate(topology.names)
    }  # fmt: skip


def check_last(topology: Topology) -> None:
    full, light = topology.full, topology.light
    assert not light[: full.node_count].any()
    assert light[full.node_count :].all()
    assert (topology.ends[: full.link_count] < full.node_count).all()
    assert ((topology.ends[full.link_count :] >= full.node_count).sum(axis=1) == 1).all()


def test_any_order_of_the_file_is_the_same_network() -> None:
    first = None
    for order in list(permutations(NODES))[::7]:
        for links in (LINKS, LINKS[::-1]):
            topology = made({"nodes": {name: NODES[name] for name in order}, "links": links})
            check_last(topology)
            assert [topology.names.find(name) for name in topology.names] == list(range(5))
            found = facts(topology)
            assert found == (first or found)
            first = found


def test_ports_are_numbered_with_those_to_full_nodes_first() -> None:
    topology = made({"nodes": NODES, "links": LINKS})
    ends = {
        "-".join(topology.names[node] for node in pair): ports
        for pair, ports in zip(topology.ends.tolist(), topology.ports.tolist(), strict=True)
    }
    assert ends == {"c1-s": [0, 1], "s-c2": [2, 0], "p-c1": [0, 1], "c2-q": [1, 0]}


def test_hosts_of_any_topology_turn_light_by_a_rule() -> None:
    rule = {"match": {"name": "h[12]"}, "fidelity": "light"}
    topology = made({"generator": "linear", "k": 3}, nodes=[rule])
    check_last(topology)
    assert list(topology.names) == ["s1", "s2", "s3", "h3", "s1-compute", "s2-compute", "h1", "h2"]
    assert topology.fidelity_counts() == {"full": 6, "light": 2}
    assert [topology.names[host] for host in topology.light_hosts.tolist()] == ["s1-compute", "s2-compute"]
    graph = topology.to_networkx()
    assert sorted(graph["s1-compute"]) == ["h1", "s1"]
    assert nx.is_connected(graph)


def test_all_hosts_of_a_file_are_light_and_have_compute_hosts_at_their_switches() -> None:
    topology = made({"generator": "tree", "depth": 2, "fanout": 3}, fidelity="light")
    check_last(topology)
    assert topology.fidelity_counts() == {"full": 4 + 3, "light": 9}
    assert [topology.names[node] for node in topology.full.carriers] == [
        "s2-compute", "s3-compute", "s4-compute",
    ]  # fmt: skip
    of = topology.groups[topology.light_hosts]
    np.testing.assert_array_equal(of, topology.groups[topology.full.node_count :])


def test_a_host_that_says_so_stays_full_in_a_light_file() -> None:
    nodes = {"s": {"kind": "switch"}, "a": {"fidelity": "full"}, "b": {}}
    topology = made({"nodes": nodes, "links": [["a", "s"], ["b", "s"]]}, fidelity="light")
    assert list(topology.names) == ["s", "a", "s-compute", "b"]


def test_compute_hosts_of_the_family_stay_full_in_a_light_file() -> None:
    plain = made({"generator": "vpc"})
    assert made({"generator": "vpc"}, fidelity="light").fidelity_counts() == plain.fidelity_counts()


def test_the_graph_without_light_nodes_has_the_same_indices() -> None:
    topology = made({"generator": "vpc", "hosts": 3, "ports": 2})
    full = topology.full
    assert full.vpcs is None
    assert full.full is full
    assert list(full.names) == list(topology.names)[: full.node_count]
    assert [full.names.find(name) for name in full.names] == list(range(full.node_count))
    assert full.names.find("v1s1p1") is None
    for key in ("kinds", "tiers", "groups", "node_profile"):
        np.testing.assert_array_equal(getattr(full, key), getattr(topology, key)[: full.node_count])
    np.testing.assert_array_equal(full.ends, topology.ends[: full.link_count])
    assert full.carriers.tolist() == sorted(set(topology.light_hosts.tolist()))


def test_a_graph_without_light_nodes_is_its_own() -> None:
    topology = made({"generator": "single"})
    assert topology.full is topology
    assert topology.vpcs is None


@pytest.mark.parametrize("count", range(8))
def test_the_first_names_are_those_of_the_first_nodes(count: int) -> None:
    names = Names((NameBlock(("h",), (3,)), NameList(("x", "y")), NameBlock(("v", "p"), (1, 2))))
    first = names.first(count)
    assert list(first) == list(names)[:count]
    assert [first.find(name) for name in first] == list(range(count))


@pytest.mark.parametrize(
    "topology",
    [
        {"nodes": NODES, "links": LINKS},
        {"generator": "vpc", "vpcs": 3, "subnets": 2, "overlap": True},
        {"compose": {"east": {"generator": "vpc"}, "west": {"nodes": NODES, "links": LINKS}}},
    ],
    ids=json.dumps,
)
def test_vpcs_are_stored_and_read_back(topology: dict[str, object], tmp_path: Path) -> None:
    before = made(topology)
    store.save(before, tmp_path / "t.npz")
    after = store.load(tmp_path / "t.npz")
    assert before.vpcs is not None
    assert after.vpcs is not None
    assert facts(after) == facts(before)
    assert (after.vpcs.names, after.vpcs.subnets, after.vpcs.explicit, after.pools) == (
        before.vpcs.names, before.vpcs.subnets, before.vpcs.explicit, before.pools,
    )  # fmt: skip
    np.testing.assert_array_equal(after.vpcs.addresses, before.vpcs.addresses)
    np.testing.assert_array_equal(after.light_hosts, before.light_hosts)


def test_hosts_that_a_file_writes_choose_their_vpc_and_the_first_is_the_default() -> None:
    nodes = NODES | {"p": {"fidelity": "light", "vpc": "red"}}
    topology = made({"nodes": nodes, "links": LINKS}, vpcs={"blue": "10.1.0.0/16", "red": "10.2.0.0/16"})
    vpcs = topology.vpcs
    assert vpcs is not None
    of = {topology.names[node]: vpcs.names[vpcs.vpc_of(node) or 0] for node in (3, 4)}
    assert of == {"p": "red", "q": "blue"}
    assert [hex(value) for value in vpcs.addresses[3:].tolist()] == ["0xa020002", "0xa010002"]


def test_an_address_is_in_the_subnet_that_holds_it() -> None:
    nodes = NODES | {"p": {"fidelity": "light", "ip": "10.2.0.7/24"}}
    topology = made({"nodes": nodes, "links": LINKS}, vpcs={"blue": ["10.1.0.0/24", "10.2.0.0/24"]})
    assert topology.vpcs is not None
    assert topology.vpcs.of_node[3:].tolist() == [1, 0]
    assert hex(int(topology.vpcs.addresses[3])) == "0xa020007"


def test_pools_of_full_nodes_leave_ten_to_the_tenants_unless_the_file_says_otherwise() -> None:
    pools = made({"generator": "vpc"}).pools
    assert (pools.ipv4, pools.links) == ("172.16.0.0/12", "192.168.0.0/16")
    own = made({"generator": "vpc", "cidr": "192.168.0.0/16"}, addressing={"links": "10.0.0.0/8"}).pools
    assert (own.ipv4, own.links) == ("172.16.0.0/12", "10.0.0.0/8")


def test_no_network_has_the_next_hop_of_packets_to_ports() -> None:
    network, words = "169.254.0.0/16", "holds 169.254.0.1, the next hop of packets to light ports"
    assert words in problems({"nodes": NODES, "links": LINKS}, vpcs={"blue": network})["vpcs.blue"]
    assert words in problems({"generator": "vpc", "cidr": network})["topology.cidr"]
    assert words in problems({"generator": "vpc"}, addressing={"ipv4": network})["addressing.ipv4"]
    made({"generator": "vpc", "cidr": network, "device": True})  # these have another way out


IDLE = {"relay": True, "switch": "ovs", "openflow": {"controller": "learning"}}


@pytest.mark.parametrize("key", IDLE)
def test_keys_that_do_nothing_on_a_light_host_are_refused_where_they_are(key: str) -> None:
    own = NODES | {"p": {"fidelity": "light", key: IDLE[key]}}
    assert "`p` is light" in problems({"nodes": own, "links": LINKS})[f"topology.nodes.p.{key}"]
    ports = [{"match": {"name": "v1*"}, key: IDLE[key]}]
    assert "is light" in problems({"generator": "vpc"}, nodes=ports)[f"nodes[0].{key}"]
    made({"generator": "vpc"}, **({key: IDLE[key]} if key != "relay" else {}))
    if key != "relay":  # a rule for switches and hosts
        made({"generator": "vpc"}, nodes=[{"match": {}, key: IDLE[key]}])
    made({"generator": "bcube", "k": 0}, fidelity="light")  # its hosts relay by themselves


@pytest.mark.parametrize(
    ("keys", "place", "words"),
    [
        ({"vpcs": {"blue": "10.9.0.0/16"}}, "vpcs", "leave it out"),
        ({"nodes": [{"match": {"name": "v1*"}, "kind": "switch"}]}, "nodes[0].kind", "only hosts can be"),
        ({"topology": {"ports": 65_001, "hosts": 1, "vpcs": 1}}, "topology.hosts", "give more `hosts`"),
        ({"topology": {"cidr": "172.16.0.0/16"}}, "topology.cidr", "set another pool"),
    ],
)
def test_errors_of_generated_ports_name_keys_of_the_file(keys: Any, place: str, words: str) -> None:
    topology = {"generator": "vpc"} | keys.get("topology", {})
    assert words in problems(topology, **{k: v for k, v in keys.items() if k != "topology"})[place]


def test_a_generated_node_is_named_at_its_generator() -> None:
    document = load_text("name: x\ntopology:\n  compose:\n    a: {generator: vpc}\n")
    error = document.error(ParameterError(("topology", "nodes", "a.v1s1p1", "vpc"), "no"))
    assert ":4:9: topology.compose.a.generator: no" in str(error)


def test_hosts_of_the_file_are_in_no_vpc_of_a_generator() -> None:
    for name, words in (("a.v1", "`a.v1` is a VPC of the generator"), ("v9", "no VPC `v9` under `vpcs`")):
        parts = {"a": {"generator": "vpc"}, "b": {"nodes": {"db": {"vpc": name}}}}
        found = problems({"compose": parts, "links": [["a.h1", "b.db"]]})
        assert words in found["topology.compose.b.nodes.db.vpc"], found
