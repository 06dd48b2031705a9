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
