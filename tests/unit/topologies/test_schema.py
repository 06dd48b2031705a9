from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import topologies
from topologies.errors import InputError
from topologies.families import GENERATORS, WAYS
from topologies.schema import schema
from topologies.source import parse, read

EXAMPLES = sorted((Path(topologies.__file__).parent / "examples").glob("*.yaml"))
BAD = Path(__file__).parents[2] / "golden" / "bad"

SEEN_BY_AN_EDITOR = (
    "unknown-key", "unknown-key-in-rule", "unknown-key-in-match", "unknown-key-of-generator",
    "unknown-key-of-node", "unknown-key-in-addressing", "unknown-engine",
    "engine-unknown-option", "engine-is-a-list", "unknown-generator", "generator-is-empty",
    "unknown-fidelity", "unknown-forwarding", "unknown-kind", "wrong-unit", "wrong-unit-letter-case",
    "wrong-unit-of-memory", "not-a-quantity", "negative-rate", "negative-delay", "queue-zero",
    "mtu-too-small", "no-name", "no-topology", "name-with-capitals", "name-too-long", "name-is-a-number",
    "seed-negative", "seed-is-text", "seed-fraction", "topology-is-text", "topology-is-empty",
    "topology-without-way", "topology-two-ways", "links-is-a-mapping", "rule-is-text",
    "between-one-end", "between-three-ends", "bool-as-number", "link-one-end", "link-four-items",
    "link-is-text", "link-properties-are-text", "link-unknown-property", "link-end-is-true",
    "node-name-with-slash", "node-name-300-characters", "nodes-empty", "nodes-a-list", "nodes-null",
    "node-is-text", "fat-tree-k-too-large", "k-is-text", "k-in-quotes", "tree-depth-zero",
)  # fmt: skip
"""Golden bad files whose mistake is one of form: the schema must see it too."""


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(schema())


def test_is_a_valid_schema_of_its_dialect() -> None:
    Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_fits(path: Path, validator: Draft202012Validator) -> None:
    assert not [error.message for error in validator.iter_errors(read(path).data)]


@pytest.mark.parametrize("name", SEEN_BY_AN_EDITOR)
def test_mistakes_of_form_do_not_fit(name: str, validator: Draft202012Validator) -> None:
    assert not validator.is_valid(read(BAD / f"{name}.yaml").data)


def test_what_the_loader_accepts_fits(validator: Draft202012Validator) -> None:
    text = """
        name: all-forms
        engine: {name: dry-run}
        addressing:
        links:
          - {match: , bandwidth: 10Gbit/s, delay: 0.5 ms, jitter: 5 µs, loss: 0.02}
          - {forward: {loss: 2 %}, backward: }
        nodes:
        topology:
          nodes: {h1: , 2: {kind: switch, memory: 64MiB}}
          links: [[h1, 2], [h1, 2, ], [h1, 2, {bandwidth: 1e6}]]
    """
    assert not list(validator.iter_errors(parse(text, "f").data))


def test_each_family_and_way_has_its_definition() -> None:
    definitions = schema()["$defs"]
    assert {f"generator-{name}" for name in GENERATORS} <= set(definitions)
    assert {f"by-{way}" for way in WAYS if way != "generator"} <= set(definitions)


def test_every_family_offers_its_own_keys_only(validator: Draft202012Validator) -> None:
    for name in GENERATORS:
        data: dict[str, Any] = {"name": "n", "topology": {"generator": name, "no_such_key": 1}}
        assert not validator.is_valid(data), name


def test_composed_topologies_are_checked_all_the_way_down(validator: Draft202012Validator) -> None:
    inner = {"generator": "tree", "depth": 2}
    good = {"name": "n", "topology": {"compose": {"a": {"compose": {"b": inner}}}}}
    bad = {"name": "n", "topology": {"compose": {"a": {"compose": {"b": {**inner, "depht": 1}}}}}}
    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


def test_every_key_of_the_file_is_described() -> None:
    made = schema()
    for key, value in made["properties"].items():
        assert value.get("description"), key


def test_examples_are_values_not_yaml_text() -> None:
    assert schema()["properties"]["topology"]["examples"] == [{"generator": "tree", "depth": 2, "fanout": 4}]


def test_no_reference_dangles() -> None:
    made = schema()

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                assert part["$ref"].removeprefix("#/$defs/") in made["$defs"]
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(made)


def test_bad_yaml_never_reaches_the_schema() -> None:
    with pytest.raises(InputError):
        read(BAD / "yaml-tabs.yaml")
