"""What light ports reach, against networkx: their VPC, and the underlay between their compute hosts."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.topologies import made

from emulator.checks.components import expectation
from emulator.checks.own_addresses import answered_by_own
from emulator.checks.reachability import choose_pairs, informative
from emulator.overlay.light_ports import LightPorts
from emulator.plan import make_plan
from topologies.topology import Topology

VPC: dict[str, Any] = {"generator": "vpc", "vpcs": 2, "ports": 4, "hosts": 4}


def address_of(topology: Topology, node: int) -> str:
    return make_plan(topology, "netns").forwarding.addresses(node)[0].text


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["bridged", "routed"]), st.booleans())
def test_ports_of_a_vpc_reach_each_other_where_the_underlay_joins_their_hosts(
    data: st.DataObject, forwarding: str, overlap: bool
) -> None:
    topology = made(VPC | {"overlap": overlap}, forwarding=forwarding)
    up = np.array(data.draw(st.lists(st.sampled_from([True, True, False]), min_size=topology.link_count,
                                     max_size=topology.link_count)))  # fmt: skip
    answers = expectation(topology, up)
    full, ports = topology.full, LightPorts(topology)
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(full.node_count))
    graph.add_edges_from(full.ends[up[: full.link_count]].tolist())
    uplink = {host: bool(up[full.incident(host)[0].link]) for host in set(ports.host.tolist())}
    plan = make_plan(topology, "netns")
    for a in range(len(ports)):
        for b in range(len(ports)):
            if a == b:
                continue
            one, two = int(ports.host[a]), int(ports.host[b])
            target = ports.first + b
            address = plan.forwarding.addresses(target)[0].text
            same = ports.vpc[a] == ports.vpc[b]
            if not same and overlap:
                continue  # its own VPC's port of this address answers: the next test
            joined = nx.has_path(graph, one, two) if one != two else uplink[one] or overlap
            wanted = same and bool(up[ports.link[a]]) and bool(up[ports.link[b]]) and joined
            assert answers(ports.first + a, target, address) == wanted, (
                topology.names[ports.first + a],
                topology.names[target],
            )


def test_an_address_that_two_vpcs_have_is_that_of_ones_own() -> None:
    topology = made(VPC | {"overlap": True})
    ports, up = LightPorts(topology), np.ones(topology.link_count, dtype=bool)
    mine, twin, other = (topology.names.find(name) or 0 for name in ("v1s1p2", "v2s1p2", "v1s1p1"))
    address = address_of(topology, twin)
    assert address == address_of(topology, mine)
    assert expectation(topology, up)(other, twin, address)
    up[ports.link[mine - ports.first]] = False
    assert not expectation(topology, up)(other, twin, address)


def test_ports_and_full_hosts_never_reach_each_other() -> None:
    topology = made(VPC)
    answers = expectation(topology, np.ones(topology.link_count, dtype=bool))
    host, port = int(topology.light_hosts[0]), topology.full.node_count
    assert not answers(host, port, address_of(topology, port))
    assert not answers(port, host, address_of(topology, host))
    assert answers(host, int(topology.light_hosts[1]), address_of(topology, int(topology.light_hosts[1])))


def test_pairs_to_ask_are_mostly_of_one_vpc_and_some_of_two() -> None:
    topology = made(VPC | {"vpcs": 50, "ports": 20})
    hosts = topology.hosts.tolist()
    pairs = choose_pairs(topology, 2000, hosts)
    assert pairs == choose_pairs(topology, 2000, hosts)
    assert len(set(pairs)) == len(pairs) == 2000
    vpcs = topology.vpcs
    assert vpcs is not None
    assert all(a != b for a, b in pairs)
    same = sum(vpcs.vpc_of(a) is not None and vpcs.vpc_of(a) == vpcs.vpc_of(b) for a, b in pairs)
    assert 0.8 < same / len(pairs) < 0.95
    asked = np.bincount([vpcs.vpc_of(a) for a, _ in pairs if vpcs.vpc_of(a) is not None], minlength=50)
    assert (asked > 0).all()


def test_all_pairs_of_a_small_one_are_asked() -> None:
    topology = made(VPC)
    hosts = topology.hosts.tolist()
    assert sorted(choose_pairs(topology, None, hosts)) == sorted(
        (a, b) for a in hosts for b in hosts if a != b
    )


@pytest.mark.parametrize(
    ("more", "hidden"),
    [
        ({}, 0),
        ({"overlap": True}, 2 * 4 * 4),  # each port, and each port of the other VPC
        ({"overlap": True, "vpcs": 3}, 6 * 4 * 4),
    ],
)
def test_pairs_that_the_own_vpc_would_answer_are_found(more: dict[str, Any], hidden: int) -> None:
    topology = made(VPC | more)
    vpcs, hosts = topology.vpcs, topology.hosts.tolist()
    assert vpcs is not None
    pairs = [(a, b) for a in hosts for b in hosts if a != b]
    held = {(vpcs.vpc_of(node), int(vpcs.addresses[node])) for node in hosts}
    wanted = [
        None not in (vpcs.vpc_of(a), vpcs.vpc_of(b))
        and vpcs.vpc_of(a) != vpcs.vpc_of(b)
        and (vpcs.vpc_of(a), int(vpcs.addresses[b])) in held
        for a, b in pairs
    ]
    assert answered_by_own(vpcs, pairs).tolist() == wanted
    assert sum(wanted) == hidden
    assert informative(topology, pairs) == [pair for pair, own in zip(pairs, wanted, strict=True) if not own]
    assert answered_by_own(vpcs, []).tolist() == []
