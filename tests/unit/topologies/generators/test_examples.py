from __future__ import annotations

from pathlib import Path

import pytest

import topologies
from topologies.build import MAX_NODES, open_topology
from topologies.families import GENERATORS
from topologies.spec.load import load

EXAMPLES = sorted((Path(topologies.__file__).parent / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_builds(path: Path) -> None:
    topology = open_topology(path)
    assert 0 < topology.node_count < MAX_NODES
    assert topology.name == path.stem


def test_every_family_has_an_example() -> None:
    used = {getattr(load(path).params, "generator", None) for path in EXAMPLES}
    assert set(GENERATORS) <= used


def test_examples_of_generators_run_on_kernels_without_netem() -> None:
    for path in EXAMPLES:
        if getattr(load(path).params, "generator", None):
            profiles = open_topology(path).link_profiles
            assert not any(p.forward.needs_netem or p.backward.needs_netem for p in profiles)
