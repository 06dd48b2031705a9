"""What people hear of how packets will go."""

from __future__ import annotations

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
