"""What people hear of how packets will go."""

from __future__ import annotations

from typing import Any

import pytest
from support.topologies import made

from emulator.forwarding.select import warnings_for

TREE = {"generator": "tree", "depth": 2, "fanout": 2}
LEARNING = {"controller": "learning"}


@pytest.mark.parametrize(
    ("keys", "unheard"),
    [
        ({"openflow": LEARNING}, True),
        ({"openflow": LEARNING, "switch": "ovs"}, False),
        ({"openflow": LEARNING, "switch": "ovs", "forwarding": "routed"}, True),
        ({"openflow": LEARNING, "nodes": [{"match": {"name": "s1"}, "switch": "ovs"}]}, False),
        ({"openflow": LEARNING, "nodes": [{"match": {"kind": "host"}, "switch": "ovs"}]}, True),
        ({}, False),
    ],
)
def test_openflow_without_a_switch_that_speaks_it(keys: dict[str, object], *, unheard: bool) -> None:
    said = [words for words in warnings_for(made(TREE, **keys)) if "OpenFlow" in words]
    assert bool(said) == unheard


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"switch": "ovs", "openflow": {"flows": "ecmp"}}, []),
        ({"openflow": {"flows": "ecmp", **LEARNING}}, []),
        (
            {"switch": "ovs", "openflow": {"flows": "ecmp", **LEARNING}},
            ["3 switches (s1, s2, s3) have a controller, which decides alone: `flows: ecmp` is for"],
        ),
        (
            {
                "switch": "ovs",
                "openflow": {"flows": "tree"},
                "nodes": [{"match": {"name": "s2"}, "openflow": LEARNING}],
            },
            ["1 switch (s2) has a controller, which decides alone: `flows: tree` is for"],
        ),
    ],
)
def test_flows_beside_a_controller(keys: dict[str, object], words: list[str]) -> None:
    said = [warning for warning in warnings_for(made(TREE, **keys)) if "controller" in warning]
    assert [warning[: len(word)] for warning, word in zip(said, words, strict=True)] == words


@pytest.mark.parametrize(
    ("generator", "keys", "links"),
    [
        ({"generator": "fat-tree", "k": 16}, {}, None),  # 1,344 nodes: the spanning tree has 1,343 links
        ({"generator": "linear", "k": 10, "hosts_per_switch": 250}, {}, 2_509),
        ({"generator": "linear", "k": 10, "hosts_per_switch": 250}, {"forwarding": "routed"}, None),
        ({"generator": "linear", "k": 10, "hosts_per_switch": 250}, {"fidelity": "hollow"}, None),
    ],
)
def test_what_a_broadcast_costs_is_said_where_it_goes_far(
    generator: dict[str, Any], keys: dict[str, Any], links: int | None
) -> None:
    said = [words for words in warnings_for(made(generator, **keys)) if "broadcast" in words]
    assert len(said) == (links is not None)
    if links:
        assert f"crosses up to {links:,} links" in said[0]
        assert "each ARP request" in said[0]
        static = warnings_for(made(generator, **keys, addressing={"static_arp": True}))
        assert not any("ARP" in words for words in static)
