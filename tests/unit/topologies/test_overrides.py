from __future__ import annotations

from typing import Any

from support import topologies

from topologies.topology import Explicit, Kind, Topology

LINEAR = {"generator": "linear", "k": 2, "hosts_per_switch": 2}


def made(topology: dict[str, Any] = LINEAR, **keys: Any) -> Topology:
    return topologies.made(topology, **keys)


def rates(topology: Topology) -> dict[str, tuple[float | None, float | None]]:
    names = topology.names
    return {
        f"{names[a]}-{names[b]}": (topology.shape(link, 0).bandwidth, topology.shape(link, 1).bandwidth)
        for link, (a, b) in enumerate(topology.ends.tolist())
        if not topology.link_profile_of(link).is_plain
    }


def rule(*between: str, **keys: Any) -> dict[str, Any]:
    return {"match": {"between": list(between)}, **keys} if between else keys


def test_by_kind_in_either_order() -> None:
    expected = {"s1-h1", "s1-h2", "s2-h3", "s2-h4"}
    for between in (("host", "switch"), ("switch", "host")):
        assert set(rates(made(links=[rule(*between, bandwidth="1 Mbit")]))) == expected


def test_by_name_and_glob() -> None:
    assert set(rates(made(links=[rule("h[13]", "s*", bandwidth="1 Mbit")]))) == {"s1-h1", "s2-h3"}
    assert set(rates(made(links=[rule("s1", "s2", bandwidth="1 Mbit")]))) == {"s1-s2"}


def test_by_tier() -> None:
    topology = made(
        {"generator": "fat-tree", "k": 2}, links=[rule("core", "aggregation", bandwidth="1 Mbit")]
    )
    assert set(rates(topology)) == {"a1-c1", "a2-c1"}


def test_every_link() -> None:
    assert len(rates(made(links=[rule(bandwidth="1 Mbit")]))) == 5


def test_directions_follow_the_rule_s_order() -> None:
    keys = {"forward": {"bandwidth": "2 Mbit"}, "backward": {"bandwidth": "3 Mbit"}}
    assert rates(made(links=[rule("h1", "s1", **keys)])) == {"s1-h1": (3e6, 2e6)}
    assert rates(made(links=[rule("s1", "h1", **keys)])) == {"s1-h1": (2e6, 3e6)}


def test_later_rules_win_key_by_key() -> None:
    rules = [rule(bandwidth="1 Mbit", loss="1 %"), rule("h1", "s1", bandwidth="5 Mbit")]
    topology = made(links=rules)
    shape = topology.shape(0, 0)
    assert (shape.bandwidth, shape.loss) == (5e6, 0.01)
    assert topology.shape(1, 0).bandwidth == 1e6


def test_a_rule_meets_links_of_many_profiles() -> None:
    """Each of 300 links has a rate of its own; one rule adds a queue to all of them."""
    nodes = {"s": {"kind": "switch"}} | {f"h{i}": {} for i in range(300)}
    links = [["s", f"h{i}", {"bandwidth": 1_000_000 + i}] for i in range(300)]
    topology = made({"nodes": nodes, "links": links}, links=[rule(queue=50)])
    shapes = [topology.shape(link, 0) for link in range(300)]
    assert [shape.bandwidth for shape in shapes] == [1_000_000 + i for i in range(300)]
    assert {shape.queue for shape in shapes} == {50}


def test_nodes_by_kind_tier_and_name() -> None:
    topology = made(nodes=[{"match": {"kind": "host", "name": "h[1-2]"}, "memory": "64 MiB"},
                           {"match": {"name": "h2"}, "cpu": 0.5}])  # fmt: skip
    profile = {n: topology.node_profile_of(i) for i, n in enumerate(topology.names)}
    assert (profile["h1"].memory, profile["h1"].cpu) == (64 * 2**20, None)
    assert (profile["h2"].memory, profile["h2"].cpu) == (64 * 2**20, 0.5)
    assert (profile["h3"].memory, profile["s1"].memory) == (None, None)


def test_switches_become_routers() -> None:
    topology = made(nodes=[{"match": {"tier": "switch", "name": "s2"}, "kind": "router"}])
    assert topology.kind_counts() == {"host": 4, "switch": 1, "router": 1}
    assert topology.ports.tolist() == made().ports.tolist()


def test_a_host_that_becomes_a_router_keeps_its_port_numbers() -> None:
    nodes = {"a": {"ip": "10.0.0.1/24", "mac": "02:00:00:00:00:07"}, "b": {}}
    topology = made(
        {"nodes": nodes, "links": [["a", "b"]]}, nodes=[{"match": {"name": "a"}, "kind": "router"}]
    )
    assert topology.ports.tolist() == [[0, 0]]
    assert topology.explicit[0] == Explicit(((0, "10.0.0.1/24"),), ((0, "02:00:00:00:00:07"),))


def test_a_host_that_becomes_a_switch_counts_its_ports_from_one() -> None:
    topology = made(
        {"nodes": {"a": {"mac": "02:00:00:00:00:07"}, "b": {}, "c": {}}, "links": [["a", "b"], ["a", "c"]]},
        nodes=[{"match": {"name": "a"}, "kind": "switch"}],
    )
    assert topology.ports.tolist() == [[1, 0], [2, 0]]
    assert topology.explicit[0].macs == ((1, "02:00:00:00:00:07"),)


def test_a_switch_that_becomes_a_host() -> None:
    topology = made(nodes=[{"match": {"name": "s2"}, "kind": "host"}])
    assert topology.kinds[topology.names.find("s2")] == Kind.HOST
    assert topology.ports.tolist() == [[1, 0], [2, 0], [0, 0], [1, 0], [3, 2]]


def test_what_matches_nothing_is_told_all_at_once() -> None:
    found = topologies.problems(
        LINEAR,
        links=[rule("h1", "h2", bandwidth="1 Mbit"), rule("hots", "s1", bandwidth="1 Mbit")],
        nodes=[{"match": {"tier": "egde"}, "cpu": 1}, {"match": {"name": "x*"}, "cpu": 1}],
    )
    assert found["links[0].match.between"] == "no link joins `h1` and `h2`"
    assert "did you mean `host`" in found["links[1].match.between"]
    assert "there is no tier `egde`" in found["nodes[0].match"]
    assert "no node matches" in found["nodes[1].match"]
