"""Whatever stands in a file: it is read, or refused with an InputError that is safe to print."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from topologies.errors import InputError
from topologies.quantities import RATE, SHARE, SIZE, TIME, Quantity
from topologies.source import Source, parse
from topologies.spec.load import Document, load_text

relaxed = settings(deadline=None)  # a busy machine is no finding

YAMLISH = st.text(alphabet=" \n\t:-?[]{},#&*!|>'\"%@`~<=ab01.é\u2028\ufeff", max_size=60)
WORDS = st.sampled_from(
    ["name", "seed", "topology", "links", "nodes", "match", "between", "engine", "generator", "tree", "k",
     "fat-tree", "compose", "depth", "bandwidth", "delay", "1 Gbit", "h1", "s1", "host", "kind", "ip",
     "10.0.0.1/8", "forward", "addressing", "ipv4", "mtu", "cpu", "memory", "jitter", ""]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    WORDS,
    st.text(max_size=8),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=25,
)


def outcome(raw: bytes | str) -> Source | InputError:
    try:
        return parse(raw, "f.yaml")
    except InputError as error:
        return error


def assert_safe(error: InputError) -> None:
    assert error.problems
    for line in str(error).split("\n"):
        assert line.isprintable()
        assert len(line) < 2000


@relaxed
@given(st.binary(max_size=200))
def test_random_bytes(raw: bytes) -> None:
    made = outcome(raw)
    if isinstance(made, InputError):
        assert_safe(made)


@relaxed
@given(st.text(max_size=200) | YAMLISH)
def test_random_text(text: str) -> None:
    made = outcome(text)
    if isinstance(made, InputError):
        assert_safe(made)
    else:
        assert made.data is not None


@relaxed
@given(YAMLISH)
def test_every_value_that_is_read_has_a_place(text: str) -> None:
    made = outcome(text)
    if isinstance(made, Source):
        for line, column in made.marks.values():
            assert line >= 1
            assert column >= 1


@relaxed
@given(DATA)
@example("\x85")
@example("\u2029")
def test_json_is_read_as_it_stands(data: Any) -> None:
    text = json.dumps({"a": data}, ensure_ascii=False)
    made = outcome(text)
    if isinstance(made, InputError):  # JSON may hold what YAML may not, and the other way round
        assert not text.isprintable() or "appears twice" in str(made) or "\\u" in text or "\ufeff" in text
    else:
        assert made.data == {"a": data}


@relaxed
@given(st.dictionaries(WORDS, DATA, max_size=6))
def test_random_documents_are_loaded_or_refused(data: dict[str, Any]) -> None:
    document: dict[str, Any] = {"name": "n", "topology": {"generator": "tree"}} | data
    try:
        made = load_text(json.dumps(document), "f.yaml")
    except InputError as error:
        assert_safe(error)
    else:
        assert isinstance(made, Document)


@relaxed
@given(DATA, DATA)
def test_random_nodes_and_links_are_loaded_or_refused(nodes: Any, links: Any) -> None:
    document = {"name": "n", "topology": {"nodes": nodes, "links": links}}
    try:
        load_text(json.dumps(document), "f.yaml")
    except InputError as error:
        assert_safe(error)


@pytest.mark.parametrize("quantity", [RATE, TIME, SHARE, SIZE], ids=lambda q: q.name)
@relaxed
@given(share=st.floats(0, 1))
def test_quantities_come_back_from_their_text(quantity: Quantity, share: float) -> None:
    number = quantity.low + share * (quantity.high - quantity.low)
    assert quantity.parse(quantity.text(number)) == number
    assert quantity.parse(number) == number


@pytest.mark.parametrize("quantity", [RATE, TIME, SHARE, SIZE], ids=lambda q: q.name)
@relaxed
@given(count=st.integers(1, 999), data=st.data())
def test_every_unit_means_its_factor(quantity: Quantity, count: int, data: st.DataObject) -> None:
    unit, factor = data.draw(st.sampled_from(sorted((quantity.units | quantity.aliases).items())))
    if quantity.low <= count * factor <= quantity.high:
        assert math.isclose(quantity.parse(f"{count} {unit}"), count * factor, rel_tol=1e-15)
        assert quantity.parse(f"{count}{unit}") == quantity.parse(f" {count}  {unit} ")


@relaxed
@given(st.text(max_size=30))
def test_a_quantity_is_a_number_or_a_value_error(text: str) -> None:
    for quantity in (RATE, TIME, SHARE, SIZE):
        try:
            number = quantity.parse(text)
        except ValueError:
            continue
        assert quantity.low <= number <= quantity.high
