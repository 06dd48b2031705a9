"""vl2, core-aggregation-edge, region."""

from __future__ import annotations

import networkx as nx
from support.topologies import edges, make, refused

from topologies.topology import Kind, Topology


def by_tier(topology: Topology) -> dict[str, list[int]]:
    return {
        name: topology.degrees[topology.tiers == at].tolist() for at, name in enumerate(topology.tier_names)
    }


def test_vl2_uses_the_ports_that_its_name_says() -> None:
    """Section 4.1: DA ports on aggregation, DI on intermediate switches, 2 uplinks and 20 servers a rack."""
    degrees = by_tier(make("vl2", DA=8, DI=6))
    assert degrees["intermediate"] == [6] * 4
    assert degrees["aggregation"] == [8] * 6
    assert degrees["tor"] == [22] * 12
    assert len(degrees["host"]) == 240


def test_vl2_links() -> None:
    found = edges(make("vl2", DA=4, DI=4, hosts_per_tor=0))
    assert found == {
        "a1-i1", "a1-i2", "a2-i1", "a2-i2", "a3-i1", "a3-i2", "a4-i1", "a4-i2",
        "a1-t1", "a2-t1", "a1-t2", "a2-t2", "a3-t3", "a4-t3", "a3-t4", "a4-t4",
    }  # fmt: skip


def test_vl2_survives_any_one_aggregation_switch() -> None:
    graph = make("vl2", DA=4, DI=4, hosts_per_tor=1).to_networkx()
    for name in ("a1", "a2", "a3", "a4", "i1", "i2"):
        rest = graph.copy()
        rest.remove_node(name)
        assert nx.is_connected(rest)


def groups(topology: Topology) -> dict[str, int]:
    return dict(zip(topology.names, topology.groups.tolist(), strict=True))


def test_switches_above_the_racks_are_of_the_first_rack_that_they_serve() -> None:
    vl2 = groups(make("vl2", DA=8, DI=4, hosts_per_tor=1))
    assert [vl2[f"a{i}"] for i in range(1, 5)] == [0, 0, 4, 4]
    assert [vl2[f"t{i}"] for i in range(1, 9)] == [vl2[f"h{i}"] for i in range(1, 9)] == list(range(8))
    assert {vl2[f"i{i}"] for i in range(1, 5)} == {-1}
    region = groups(make("region", zones=2, pods=2, racks=3, hosts=1, fabrics=1, spines=1, cores=1))
    assert [region[f"z{z}p{p}f1"] for z in (1, 2) for p in (1, 2)] == [0, 3, 6, 9]
    assert [region["z1s1"], region["z2s1"], region["c1"]] == [0, 6, -1]
    assert [region["z2p2r3"], region["z2p2r3h1"]] == [11, 11]


def test_vl2_odd_ports_are_refused() -> None:
    found = refused("vl2", DA=3, DI=5)
    assert found == {"DA": "must be even, got 3; write 2 or 4", "DI": "must be even, got 5; write 4 or 6"}


def test_core_aggregation_edge_by_default() -> None:
    topology = make("core-aggregation-edge")
    assert topology.kind_counts() == {"host": 8, "switch": 10}
    assert edges(topology) == {
        *(f"a{a}-c{c}" for a in range(1, 5) for c in (1, 2)),
        "a1-e1", "a2-e1", "a1-e2", "a2-e2", "a3-e3", "a4-e3", "a3-e4", "a4-e4",
        *(f"e{(h + 1) // 2}-h{h}" for h in range(1, 9)),
    }  # fmt: skip


def test_core_aggregation_edge_with_more_edges_than_aggregations() -> None:
    topology = make("core-aggregation-edge", aggregations=2, edges=3)
    assert by_tier(topology)["aggregation"] == [5, 5]
    assert topology.groups[topology.kinds == Kind.HOST].tolist() == [0, 0, 1, 1, 2, 2]


def test_core_aggregation_edge_rules() -> None:
    assert "write 2 or 4" in refused("core-aggregation-edge", aggregations=3)["aggregations"]
    assert (
        "multiple of the 2 aggregation pairs, got 5; write 4" in refused("core-aggregation-edge", edges=5)[""]
    )


def test_region_names_and_links() -> None:
    topology = make("region", zones=2, pods=1, racks=2, hosts=1, fabrics=1, spines=1, cores=1)
    assert edges(topology) == {
        "z1p1r1-z1p1r1h1", "z1p1r2-z1p1r2h1", "z2p1r1-z2p1r1h1", "z2p1r2-z2p1r2h1",
        "z1p1f1-z1p1r1", "z1p1f1-z1p1r2", "z2p1f1-z2p1r1", "z2p1f1-z2p1r2",
        "z1p1f1-z1s1", "z2p1f1-z2s1", "c1-z1s1", "c1-z2s1",
    }  # fmt: skip


def test_region_of_a_million() -> None:
    topology = make(
        "region", zones=5, pods=50, racks=100, hosts=39, fabrics=4, spines=16, cores=16
    )  # topologies/examples/region-1m.yaml
    assert topology.node_count == 1_001_096
    assert topology.link_count == 1_092_280
    assert topology.names[topology.names.find("z5p50r100h39")] == "z5p50r100h39"
