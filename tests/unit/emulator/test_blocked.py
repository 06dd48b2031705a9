"""How many links are blocked: one count, whoever tells it, and that of a graph library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

import topologies
from emulator.cli.main import run
from emulator.forwarding.spanning_tree import bridging_nodes
from emulator.plan import make_plan
from topologies.build import open_topology
from topologies.topology import Topology

EXAMPLES = sorted((Path(topologies.__file__).parent / "examples").glob("*.yaml"))
SMALL = [path for path in EXAMPLES if not path.stem.startswith("region")]


def loops(topology: Topology) -> int:
    """Return how many independent loops the nodes that pass frames on make, by networkx."""
    graph = nx.MultiGraph()
    passes = bridging_nodes(topology)
    graph.add_nodes_from(np.flatnonzero(passes).tolist())
    graph.add_edges_from(topology.ends[passes[topology.ends].all(axis=1)].tolist())
    return graph.number_of_edges() - graph.number_of_nodes() + nx.number_connected_components(graph)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert run([*words, "--json"]) in {0, 3}
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.usefixtures("state_dir")
@pytest.mark.parametrize("path", SMALL, ids=lambda path: path.stem)
def test_plan_and_up_say_the_same(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned = told(capsys, "plan", str(path), "--engine", "dry-run")
    up = told(capsys, "up", str(path), "--engine", "dry-run")
    assert run(["down", up["network"]]) == 0
    capsys.readouterr()
    assert planned["forwarding"]["blocked"] == up["blocked"]
    topology = open_topology(path)
    if topology.forwarding != "routed":
        uses_all = path.stem in {"fat-tree-ecmp", "fat-tree-remote", "fat-tree-command"}
        assert up["blocked"] == (0 if uses_all else loops(topology))
    else:
        assert up["blocked"] == 0


def test_ports_of_links_that_computed_flows_use_are_not_called_blocked() -> None:
    from emulator.summary import sample

    plan = make_plan(open_topology(next(p for p in EXAMPLES if p.stem == "fat-tree-ecmp")), "netns")
    found = sample(plan)
    assert found["blocked"] == []
    assert {port["role"] for node in found["nodes"] for port in node["ports"]} == {"addressed", "bridged"}
