"""Errors of values and errors of building are told in one run, and none that may not be true."""

from __future__ import annotations

from typing import Any

import pytest

from topologies.errors import InputError
from topologies.given import describe

GOOD: dict[str, Any] = {"name": "x", "topology": {"generator": "single", "hosts": 4}}


def keys(**file: Any) -> set[str]:
    """Return the places of the errors of a file."""
    with pytest.raises(InputError) as found:
        describe(GOOD | file)
    return {problem.key for problem in found.value.problems}


@pytest.mark.parametrize(
    ("file", "places"),
    [
        ({"name": "No Name", "vpcs": {"blue": "10.1.0.0/16"}}, {"name", "vpcs"}),
        ({"fidelty": "full", "nodes": [{"match": {"name": "z"}, "cpu": 1}]}, {"fidelty", "nodes[0].match"}),
        (
            {"forwarding": "wild", "links": [{"match": {"between": ["h1", "h2"]}, "mtu": 1400}]},
            {"forwarding", "links[0].match.between"},
        ),
        (
            {"switch": "x", "topology": {"generator": "vpc", "hosts": 1, "ports": 70_000}},
            {"switch", "topology.hosts"},
        ),
    ],
)
def test_what_is_wrong_besides_is_told_in_the_same_run(file: dict[str, Any], places: set[str]) -> None:
    assert keys(**file) == places


@pytest.mark.parametrize(
    "file",
    [
        {"fidelity": "ligt", "vpcs": {"blue": "10.1.0.0/16"}},  # with light hosts, `vpcs` would be right
        {
            "nodes": [{"match": {"name": "h1"}, "kind": "rooter"}],
            "links": [{"match": {"between": ["router", "switch"]}, "mtu": 1400}],
        },
        {"seed": "a", "nodes": [{"match": {"name": "z"}, "cpu": 1}]},
        {
            "topology": {"generator": "single", "hosts": "four"},
            "nodes": [{"match": {"name": "h9"}, "cpu": 1}],
        },
        {"fidelty": "light", "vpcs": {"blue": "10.1.0.0/16"}},
    ],
)  # fmt: skip
def test_what_depends_on_a_wrong_value_is_not_judged(file: dict[str, Any]) -> None:
    found = keys(**file)
    assert len(found) == 1
    assert found < {"fidelity", "nodes[0].kind", "seed", "topology.hosts", "fidelty"}
