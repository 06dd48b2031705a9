from __future__ import annotations

from typing import Any

import pytest
from support.topologies import make

from stress.keys import TargetKeys
from stress.targets import links, nodes, ports, target_name
from topologies.errors import ParameterError
from topologies.rng import Stream

FABRIC = make("leaf-spine", spines=2, leaves=3, hosts_per_leaf=4)


def named(resolve: Any, seed: int = 0, /, **keys: Any) -> list[str]:
    target = TargetKeys.model_validate(keys)
    return [target_name(FABRIC, target) for target in resolve(FABRIC, target, Stream(seed), ("target",))]


def test_nodes_by_kind_tier_name_and_word() -> None:
    assert len(named(nodes)) == 17
    assert len(named(nodes, kind="host")) == 12
    assert named(nodes, tier="spine") == named(nodes, match="spine")
    assert named(nodes, name="h[1-3]") == ["h1", "h2", "h3"]
    assert named(nodes, kind="host", match="h1*") == ["h1", "h10", "h11", "h12"]


def test_how_many_is_drawn_by_the_seed() -> None:
    some = named(nodes, kind="host", percent=0.25)
    assert len(some) == 3
    assert some == named(nodes, kind="host", percent=0.25)
    assert {tuple(named(nodes, seed, kind="host", count=3)) for seed in range(5)} != {tuple(some)}
    assert len(named(nodes, kind="host", percent=0.001)) == 1


def test_ports_are_those_of_the_nodes() -> None:
    assert named(ports, name="h2") == ["h2-eth0"]
    assert len(named(ports, tier="spine")) == 6
    assert len(named(ports, tier="leaf", between=["leaf", "spine"])) == 6


def test_links_end_at_the_nodes() -> None:
    assert len(named(links)) == 18
    assert len(named(links, between=["leaf", "spine"])) == 6
    assert len(named(links, tier="spine")) == 6
    assert all("h3" in name for name in named(links, name="h3"))


def test_nodes_between_are_the_ends_of_those_links() -> None:
    assert set(named(nodes, between=["leaf", "spine"], tier="leaf")) == set(named(nodes, tier="leaf"))


@pytest.mark.parametrize(
    ("keys", "loc", "words"),
    [
        ({"tier": "spin"}, ("target", "tier"), "did you mean `spine`"),
        ({"match": "hst"}, ("target", "match"), "did you mean `host`"),
        ({"name": "x*"}, ("target",), "names go from"),
        ({"between": ["host", "spine"]}, ("target", "between"), "no link joins"),
        ({"kind": "host", "count": 13}, ("target", "count"), "only 12 nodes match"),
        ({"kind": "router"}, ("target",), "no node matches"),
    ],
)
def test_what_matches_nothing_is_refused(keys: Any, loc: Any, words: str) -> None:
    with pytest.raises(ParameterError) as caught:
        named(nodes if "between" not in keys else links, **keys)
    assert caught.value.loc == loc
    assert words in caught.value.message
