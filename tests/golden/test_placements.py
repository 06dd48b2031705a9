"""Every graph here goes to exactly these workers, strategy by strategy, whatever changes inside placement.

A row of `placements/` holds the strategy that was chosen, the number of links it cuts, and a digest of the
worker of each node. After a change: UPDATE_GOLDEN=1 pytest tests/golden/test_placements.py, read the diff.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from pathlib import Path

import pytest
from support.golden import recorded

from emulator.placement.worker import Worker, numbered
from emulator.plan import make_plan
from topologies.build import build
from topologies.spec.load import load_text
from topologies.topology import Topology

GIB = 1 << 30
MIB = 1 << 20
EXPECTED = Path(__file__).parent / "placements"
LOCKED_METIS = "2025.2.2"
"""Other releases of METIS may cut otherwise."""

GRAPHS = {
    "fat-tree": "{generator: fat-tree, k: 8}",
    "leaf-spine": "{generator: leaf-spine, spines: 3, leaves: 11, hosts_per_leaf: 6}",
    "region": "{generator: region, zones: 2, pods: 5, racks: 8, hosts: 6, fabrics: 2, spines: 2}",
    "tree": "{generator: tree, depth: 3, fanout: 5}",
    "vl2": "{generator: vl2}",
    "jellyfish": "{generator: jellyfish, switches: 80, ports: 7, degree: 4}",
    "waxman": "{generator: waxman, n: 120}",
    "scale-free": "{generator: barabasi-albert, n: 150}",
    "torus": "{generator: torus, dims: [9, 7]}",
    "star": "{generator: single, hosts: 70}",
    "islands": "{nodes: {a: {kind: switch}, b: {kind: switch}, c: {kind: host}, d: {kind: router}}, "
    "links: [[a, c], [a, c], [b, d]]}",
}
WORKERS: dict[str, tuple[Worker, ...]] = {
    "3": numbered(3),
    "8": numbered(8),
    "unequal": (Worker("a", 400 * MIB), Worker("b", 100 * MIB), Worker("idle", 0), Worker("c", GIB)),
    "tight": numbered(4, 18 * MIB),
    "few nodes": tuple(Worker(f"m{n}", nodes=45) for n in range(9)),
}


def described(topology: Topology, method: str | None) -> dict[str, str]:
    found = {}
    for title, workers in WORKERS.items():
        plan = make_plan(topology, "netns", workers, method=method)
        digest = hashlib.sha256(plan.placement.astype("<i4").tobytes()).hexdigest()[:16]
        found[title] = f"{plan.method} cuts {int(plan.cut.sum())}: {digest}"
    return found


def text(method: str | None) -> str:
    rows = {
        name: described(build(load_text(f"name: t\nseed: 3\ntopology: {graph}\n")), method)
        for name, graph in GRAPHS.items()
        if method != "hierarchy" or name != "islands"
    }
    return json.dumps(rows, indent=1) + "\n"


@pytest.mark.parametrize("method", ["hierarchy", "spread"])
def test_hierarchy_and_spread_place_as_ever(method: str) -> None:
    found = text(method)
    assert found == recorded(EXPECTED / f"{method}.json", found)


def test_the_simpler_way_without_metis_places_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymetis", None)
    found = text("metis")
    assert found == recorded(EXPECTED / "greedy.json", found)


@pytest.mark.skipif(
    importlib.metadata.version("pymetis") != LOCKED_METIS, reason="another release of METIS cuts otherwise"
)
@pytest.mark.parametrize("method", ["metis", None])
def test_metis_and_the_choice_by_graph_place_as_ever(method: str | None) -> None:
    found = text(method)
    assert found == recorded(EXPECTED / f"{method or 'chosen'}.json", found)
