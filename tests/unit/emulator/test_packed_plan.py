"""A plan arrives on a worker as it was sent: graph, placement, workers, options; without running anything."""

from __future__ import annotations

import numpy as np
import pytest

from emulator.packed_plan import pack, unpack
from emulator.placement.worker import Worker
from emulator.plan import Plan, make_plan
from topologies.build import build
from topologies.spec.load import load_text

TEXTS = [
    "name: t\ntopology: {generator: tree, depth: 2, fanout: 3}\n",
    "name: r\nseed: 7\nforwarding: routed\ntopology: {generator: leaf-spine, spines: 2, leaves: 4}\n",
    "name: v\ntopology: {generator: vpc, hosts: 4, vpcs: 2, subnets: 1, ports: 8}\n",
    "name: s\ntopology: {generator: single, hosts: 3}\nlinks: [{bandwidth: 5 Mbit}]\nnodes: [{cpu: 0.5}]\n",
]
OPTIONS = {"underlay": {"vni": 65536, "addresses": {"a": "10.0.0.1", "b": "10.0.0.2"}}}


@pytest.mark.parametrize("text", TEXTS)
def test_a_plan_arrives_as_it_was(text: str) -> None:
    topology = build(load_text(text))
    workers = [Worker("a", memory=8 << 30), Worker("b", nodes=1000)]
    sent = make_plan(topology, "cluster", workers, options=OPTIONS)
    found = unpack(pack(sent))
    assert np.array_equal(found.placement, sent.placement)
    assert found.workers == sent.workers
    assert (found.engine, found.method, found.options) == (sent.engine, sent.method, sent.options)
    assert list(found.topology.names) == list(topology.names)
    assert np.array_equal(found.topology.ends, topology.ends)
    assert np.array_equal(found.counts.memory, sent.counts.memory)
    assert found.topology.link_profiles == topology.link_profiles


def test_a_large_plan_is_small_on_the_way() -> None:
    text = "name: big\ntopology: {generator: tree, depth: 3, fanout: 30}\n"
    plan: Plan = make_plan(build(load_text(text)), "cluster", 10)
    assert plan.topology.node_count > 27_000
    assert len(pack(plan)) < 4 * plan.topology.node_count
