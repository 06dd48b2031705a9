from __future__ import annotations

import networkx as nx
import pytest
from support.topologies import edges, make, refused

from topologies.topology import Kind


def test_figure_3_of_the_paper() -> None:
    """k = 4: 16 hosts, 4 core, 8 aggregation, 8 edge switches, 4 ports used on each switch."""
    topology = make("fat-tree", k=4)
    assert topology.kind_counts() == {"host": 16, "switch": 20}
    assert set(topology.degrees[topology.kinds == Kind.SWITCH].tolist()) == {4}
    tiers = [topology.tier_names[t] for t in topology.tiers.tolist()]
    assert {tier: tiers.count(tier) for tier in tiers} == {"core": 4, "aggregation": 8, "edge": 8, "host": 16}


def test_links_of_the_first_pod() -> None:
    found = edges(make("fat-tree", k=4))
    assert {"e1-h1", "e1-h2", "e2-h3", "e2-h4", "a1-e1", "a2-e1", "a1-e2", "a2-e2"} <= found
    assert {"a1-c1", "a1-c2", "a2-c3", "a2-c4"} <= found


def test_paths_between_pods() -> None:
    """Between hosts of different pods there are (k/2)^2 shortest paths, one through each core switch."""
    topology = make("fat-tree", k=6)
    assert len(list(nx.all_shortest_paths(topology.to_networkx(), "h1", "h54"))) == 9


@pytest.mark.parametrize(("k", "words"), [(3, "write 2 or 4"), (5, "write 4 or 6")])
def test_odd_k_is_refused(k: int, words: str) -> None:
    assert words in refused("fat-tree", k=k)["k"]
