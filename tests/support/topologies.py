"""Create a topology from a few words, list its links by name, report its errors."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import strategies as st

from topologies.build import build
from topologies.errors import InputError
from topologies.formats.export import chunks
from topologies.formats.static_routes import Routes
from topologies.spec.load import load_text
from topologies.topology import Topology


def made(topology: dict[str, Any], **keys: Any) -> Topology:
    """Return the topology of a file with this `topology:` and these other keys."""
    return build(load_text(json.dumps({"name": "x", "topology": topology, **keys})))


def make(generator: str, seed: int = 0, **params: Any) -> Topology:
    """Return a topology of the family `generator`."""
    return made({"generator": generator, **params}, seed=seed)


def edges(topology: Topology) -> set[str]:
    """Return the links of a topology as `a-b`, each with its names in order."""
    names = topology.names
    return {"-".join(sorted((names[a], names[b]))) for a, b in topology.ends.tolist()}


def exported(topology: Topology, to: str, routes: Routes | None = None) -> str:
    """Return the text of a topology in format `to`."""
    return "".join(chunks(topology, to, routes))


def problems(topology: dict[str, Any], **keys: Any) -> dict[str, str]:
    """Return the errors of a file, by key; the test fails when there are none."""
    with pytest.raises(InputError) as caught:
        made(topology, **keys)
    return {problem.key: problem.message for problem in caught.value.problems}


def refused(generator: str | dict[str, Any], **params: Any) -> dict[str, str]:
    """Return the errors of a topology, by key below `topology`."""
    topology = generator if isinstance(generator, dict) else {"generator": generator, **params}
    found = problems(topology)
    return {key.removeprefix("topology").removeprefix("."): words for key, words in found.items()}


@st.composite
def switch_networks(draw: st.DrawFn) -> tuple[Topology, npt.NDArray[np.bool_]]:
    """Randomly linked switches, also disconnected or with parallel links; mask of the links that are up."""
    count = draw(st.integers(1, 12))
    node = st.integers(0, count - 1)
    drawn = draw(st.lists(st.tuples(node, node), max_size=25))
    links = [[f"s{a}", f"s{b}"] for a, b in drawn if a != b]
    topology = made({"nodes": {f"s{k}": {"kind": "switch"} for k in range(count)}, "links": links})
    up = draw(st.lists(st.booleans(), min_size=len(links), max_size=len(links)))
    return topology, np.array(up, dtype=bool)
