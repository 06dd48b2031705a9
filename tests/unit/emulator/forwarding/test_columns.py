"""Addresses and routes in columns: those of some nodes are those that the nodes have one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emulator.engines.hosts_file import hosts_text
from emulator.plan import make_plan
from topologies.build import build
from topologies.spec.load import load

EXAMPLES = sorted(Path(__file__).parents[4].joinpath("topologies", "examples").glob("*.yaml"))
LARGE = {"region-1m", "region-1m-live", "vpc-100k"}
SMALL = [file for file in EXAMPLES if file.stem not in LARGE]


@pytest.mark.parametrize("file", SMALL, ids=lambda path: path.stem)
def test_some_nodes_of_every_example_have_what_they_have_among_all(file: Path) -> None:
    plan = make_plan(build(load(file)), "netns")
    nodes = range(plan.topology.node_count)
    each = [plan.forwarding.addresses(node) for node in nodes]
    for some in (np.arange(0), np.arange(len(each)), np.flatnonzero(np.arange(len(each)) % 3 != 1)):
        columns = plan.forwarding.address_columns(some)
        assert [columns.of(place) for place in range(len(some))] == [each[node] for node in some.tolist()]
        assert columns.texts() == [address.text for node in some.tolist() for address in each[node]]
        routes = plan.forwarding.route_columns(some)
        assert [routes.of(place) for place in range(len(some))] == [
            plan.forwarding.routes(node) for node in some.tolist()
        ]
    lines = [f"{address.text} {plan.topology.names[node]}" for node in nodes for address in each[node]]
    assert hosts_text(plan.whole).splitlines()[2:] == lines
