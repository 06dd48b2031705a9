"""The families that make tenants: VPCs, subnets, ports, and where they live."""

from __future__ import annotations

import ipaddress

import numpy as np
import pytest
from support.topologies import made, make, refused

from topologies.topology import Kind, Topology


def per_host(topology: Topology) -> list[int]:
    """Return the number of ports of each compute host that has some, in order of the hosts."""
    _, counts = np.unique(topology.light_hosts, return_counts=True)
    return list(counts.tolist())


def networks(topology: Topology) -> list[tuple[str, str]]:
    assert topology.vpcs is not None
    names = topology.vpcs.names
    return [(names[s.vpc], str(ipaddress.IPv4Network((s.base, s.length)))) for s in topology.vpcs.subnets]


def test_ports_are_named_by_vpc_subnet_and_port() -> None:
    topology = make("vpc", vpcs=2, subnets=2, ports=3, hosts=2)
    first = topology.full.node_count
    assert list(topology.names)[first:] == [
        f"v{vpc}s{subnet}p{port}" for vpc in (1, 2) for subnet in (1, 2) for port in (1, 2, 3)
    ]
    assert topology.vpcs is not None
    assert topology.vpcs.names == ("v1", "v2")
    assert topology.vpcs.of_node[first:].tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3


def test_subnets_are_the_smallest_that_hold_their_ports() -> None:
    assert networks(make("vpc", vpcs=2, subnets=2, ports=5)) == [
        ("v1", "10.0.0.0/29"), ("v1", "10.0.0.8/29"), ("v2", "10.0.0.16/29"), ("v2", "10.0.0.24/29"),
    ]  # fmt: skip
    assert networks(make("vpc", vpcs=1, ports=6)) == [("v1", "10.0.0.0/28")]


def test_prefix_and_pool_are_the_files() -> None:
    topology = make("vpc", vpcs=2, subnets=3, ports=2, prefix=24, cidr="11.7.0.0/16")
    assert [network for _, network in networks(topology)] == [
        "11.7.0.0/24", "11.7.1.0/24", "11.7.2.0/24",
        "11.7.4.0/24", "11.7.5.0/24", "11.7.6.0/24",
    ]  # fmt: skip


def test_with_overlap_all_vpcs_have_the_same_addresses() -> None:
    topology = make("vpc", vpcs=3, ports=4, overlap=True)
    assert {network for _, network in networks(topology)} == {"10.0.0.0/29"}
    assert topology.vpcs is not None
    assert topology.vpcs.spaces.tolist() == [0, 1, 2]
    ports = topology.vpcs.addresses[topology.full.node_count :].reshape(3, 4)
    assert (ports == ports[0]).all()


def test_the_largest_subnet_that_fits_is_accepted_and_the_next_is_not() -> None:
    assert make("vpc", vpcs=2, ports=125, cidr="10.0.0.0/24").vpcs is not None
    assert "no room" in refused("vpc", vpcs=2, ports=126, cidr="10.0.0.0/24")["cidr"]
    assert "no room" in refused("vpc", vpcs=3, ports=125, cidr="10.0.0.0/24")["cidr"]


@pytest.mark.parametrize("spread", ["even", "packed"])
def test_ports_are_spread_equally(spread: str) -> None:
    assert per_host(make("vpc", vpcs=2, ports=10, hosts=5, spread=spread)) == [4, 4, 4, 4, 4]


def test_even_spreads_each_subnet_and_one_that_grows_moves_no_port() -> None:
    small, grown = (make("vpc", vpcs=3, ports=ports, hosts=4, prefix=24) for ports in (7, 9))
    for subnet in range(3):
        hosts = small.light_hosts[7 * subnet : 7 * subnet + 7]
        assert sorted(np.unique(hosts, return_counts=True)[1].tolist()) == [1, 2, 2, 2]
        np.testing.assert_array_equal(grown.light_hosts[9 * subnet :][:7], hosts)


def test_even_deals_ports_in_turn_and_packed_fills_one_host_after_the_other() -> None:
    even = make("vpc", vpcs=2, ports=5, hosts=4)
    assert sorted(per_host(even)) == [2, 2, 3, 3]
    assert (np.diff(even.light_hosts)[:3] > 0).all()
    packed = make("vpc", vpcs=2, ports=5, hosts=4, spread="packed")
    assert sorted(per_host(packed)) == [2, 2, 3, 3]
    assert (np.diff(packed.light_hosts) >= 0).all()


def test_random_draws_a_host_for_each_port_from_the_seed() -> None:
    made_ = [make("vpc", seed=seed, ports=500, hosts=5, spread="random") for seed in (1, 1, 2)]
    first, again, other = (topology.light_hosts.tolist() for topology in made_)
    assert first == again != other
    counts = np.array(per_host(made_[0]))
    assert len(counts) == 5
    assert counts.sum() == 1000
    assert len(set(counts.tolist())) > 1
    assert (abs(counts - 200) < 65).all()  # five standard deviations


@pytest.mark.parametrize(
    ("more", "moved"),
    [
        ({"hosts": 101}, range(5, 40)),  # 20 of 2,000 are to move
        ({"ports": 1001, "prefix": 20}, range(1)),
        ({"vpcs": 3}, range(1)),
        ({"subnets": 2}, range(1)),
    ],
)
def test_random_moves_few_ports_when_the_file_grows(more: dict[str, int], moved: range) -> None:
    keys = {"vpcs": 2, "ports": 1000, "hosts": 100, "spread": "random", "prefix": 20}
    before, after = make("vpc", **keys), make("vpc", **(keys | more))
    names = [
        {t.names[t.full.node_count + at]: t.names[host] for at, host in enumerate(t.light_hosts.tolist())}
        for t in (before, after)
    ]
    changed = {name: names[1][name] for name, host in names[0].items() if names[1][name] != host}
    assert len(changed) in moved
    assert set(changed.values()) <= {"h101"}


@pytest.mark.parametrize(("hosts", "more"), [(4, 5), (80, 81), (81, 82), (120, 121)])
def test_hosts_of_the_default_underlay_keep_their_leaf_and_its_port(hosts: int, more: int) -> None:
    def links(count: int) -> set[tuple[str, int, str, int]]:
        full = make("vpc", hosts=count).full
        return {
            (full.names[a], p, full.names[b], q)
            for (a, b), (p, q) in zip(full.ends.tolist(), full.ports.tolist(), strict=True)
        }

    assert links(hosts) < links(more)
    full = make("vpc", hosts=more).full
    leaves = full.ends[(full.kinds[full.ends] == Kind.HOST).any(axis=1)].min(axis=1)
    assert np.unique(leaves, return_counts=True)[1].max() <= 40
    assert len(full.hosts) == more


def test_the_default_underlay_has_enough_leaves() -> None:
    topology = make("vpc", hosts=100, ports=50)
    hosts = np.unique(topology.light_hosts)
    graph = topology.full.to_networkx()
    leaves = {leaf for host in hosts.tolist() for leaf in graph[topology.names[host]]}
    assert len(leaves) == 3
    assert 80 <= len(hosts) <= 100


def test_the_underlay_is_any_topology_whose_hosts_have_one_link() -> None:
    topology = make("vpc", hosts=16, ports=32, underlay={"generator": "fat-tree", "k": 4})
    assert per_host(topology) == [4] * 16
    assert topology.full.kind_counts() == {"host": 16, "switch": 20}
    nodes = {"s": {"kind": "switch"}, "two": {}, "t": {"kind": "switch"}, "one": {}}
    links = [["two", "s"], ["two", "t"], ["s", "t"], ["one", "t"]]
    topology = make("vpc", hosts=1, underlay={"nodes": nodes, "links": links})
    assert {topology.names[host] for host in topology.light_hosts.tolist()} == {"one"}
    assert (
        "1 host with one link" in refused("vpc", hosts=2, underlay={"nodes": nodes, "links": links})["hosts"]
    )


def test_a_random_underlay_has_its_own_stream() -> None:
    underlay = {"generator": "jellyfish", "switches": 8, "degree": 3, "ports": 4}
    alone = made({"generator": "vpc", "hosts": 8, "underlay": underlay}, seed=3)
    more = made({"generator": "vpc", "hosts": 8, "ports": 99, "underlay": underlay}, seed=3)
    np.testing.assert_array_equal(alone.full.ends, more.full.ends)


def test_ports_of_a_region_are_shared_by_its_vpcs() -> None:
    topology = make("region", zones=1, pods=2, racks=2, hosts=3, ports_per_host=4, vpcs=3)
    assert per_host(topology) == [4] * 12
    assert topology.vpcs is not None
    assert topology.vpcs.ports.tolist() == [16, 16, 16]
    assert topology.names[topology.node_count - 1] == "v3s1p16"
    plain = make("region", zones=1, pods=2, racks=2, hosts=3)
    np.testing.assert_array_equal(topology.full.ends, plain.ends)
    assert plain.vpcs is None


def test_ports_of_a_host_follow_its_own() -> None:
    topology = make("vpc", vpcs=1, ports=6, hosts=2)
    links = topology.full.link_count
    assert topology.ports[links:].tolist() == [[1, 0], [1, 0], [2, 0], [2, 0], [3, 0], [3, 0]]


def test_members_are_full_hosts_of_each_subnet_before_its_ports() -> None:
    topology = made({"generator": "vpc", "vpcs": 2, "subnets": 2, "ports": 6, "members": 2, "hosts": 3})
    names = list(topology.names)
    found = [names[node] for node in np.flatnonzero(topology.member).tolist()]
    assert found == [f"v{vpc}s{subnet}m{n}" for vpc in (1, 2) for subnet in (1, 2) for n in (1, 2)]
    assert topology.vpcs is not None
    of_node = topology.vpcs.of_node
    assert [int(of_node[names.index(name)]) for name in ("v1s1m1", "v2s1m2", "v2s2p6")] == [0, 2, 3]
    assert {network.split("/")[1] for _, network in networks(topology)} == {"28"}  # room for six and two
    hosts = {names.index(f"h{number}") for number in (1, 2, 3)}
    for name in found:
        ((link, end, _),) = topology.incident(names.index(name))
        assert int(topology.ends[link, 1 - end]) in hosts
        assert topology.link_profile_of(link).effective_mtu == 1450
    plain = made({"generator": "vpc", "vpcs": 2, "subnets": 2, "ports": 6, "hosts": 3, "prefix": 28})
    assert plain.vpcs is not None
    ports = [
        topology.vpcs.addresses[names.index(name)] for name in list(plain.names)[plain.full.node_count :]
    ]
    np.testing.assert_array_equal(ports, plain.vpcs.addresses[plain.full.node_count :])  # none moved


@pytest.mark.parametrize("spread", ["even", "random"])
def test_more_members_leave_the_links_of_others_as_they_are(spread: str) -> None:
    keys = {"generator": "vpc", "vpcs": 2, "subnets": 2, "ports": 6, "hosts": 3, "spread": spread}

    def links(members: int) -> dict[str, tuple[str, int, int]]:
        topology = made(keys | {"members": members, "prefix": 27})
        assert topology.vpcs is not None
        return {
            topology.names[port]: (topology.names[host], at, int(topology.vpcs.addresses[port]))
            for (host, port), (at, _) in zip(topology.ends.tolist(), topology.ports.tolist(), strict=True)
            if topology.names[port].startswith("v") and "m" in topology.names[port]
        }

    few, more = links(2), links(5)
    assert len(few) == 8
    assert few.items() <= more.items()


def test_a_region_has_members_too() -> None:
    region = {"generator": "region", "zones": 1, "pods": 1, "racks": 2, "hosts": 2, "ports_per_host": 4}
    topology = made(region | {"vpcs": 2, "members": 3})
    assert int(topology.member.sum()) == 6
    assert topology.node_count == made(region | {"vpcs": 2}).node_count + 6
    assert set(refused("region", members=2)) == {"members"}


def test_members_have_no_devices() -> None:
    assert "leave out one of the two" in refused("vpc", members=1, device=True)["members"]
    assert "not for 9; use 28" in refused("vpc", members=1, ports=8, prefix=29)["prefix"]
