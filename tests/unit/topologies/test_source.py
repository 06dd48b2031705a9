from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from topologies.errors import InputError, ParameterError, ParametersError
from topologies.source import events, file, parse, read, values
from topologies.source.scalars import resolve


def data(text: str | bytes) -> Any:
    return parse(text, "f").data


def refused(text: str | bytes) -> str:
    with pytest.raises(InputError) as caught:
        parse(text, "f")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("on", "on"),
        ("y", "y"), ("Yes", "Yes"), ("off", "off"),
        ("true", True), ("False", False), ("~", None), ("null", None), ("", None),
        ("0", 0), ("7", 7), ("-7", -7), ("-0", "-0"),
        ("007", "007"), ("0x1F", "0x1F"), ("0o17", "0o17"), ("+5", "+5"),
        ("1_000", "1_000"), ("12:30:45", "12:30:45"), ("2024-01-01", "2024-01-01"),
        ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("1.e3", 1000.0), ("01.5", "01.5"),
        ("10.0.0.1", "10.0.0.1"),
        (".inf", float("inf")), ("-.inf", -float("inf")), ("1e", "1e"), ("-", "-"), (".", "."), ("h1", "h1"),
        ("9" * 30, int("9" * 30)), ("9" * 5000, "9" * 5000),
    ],
)  # fmt: skip
def test_scalars_mean_what_they_look_like(text: str, value: object) -> None:
    made = resolve(text)
    assert made == value
    assert type(made) is type(value)


def test_norway_is_a_node() -> None:
    assert data("{no: {}, on: {}, y: {}, 1: {}, 007: {}, null: {}, 1.50: {}}") == {
        "no": {}, "on": {}, "y": {}, "1": {}, "007": {}, "null": {}, "1.50": {},
    }  # fmt: skip


def test_quotes_make_text() -> None:
    assert data("a: '1'\nb: \"true\"\nc: !!str 1\nd: ''\ne: ! 5") == {
        "a": "1",
        "b": "true",
        "c": "1",
        "d": "",
        "e": "5",
    }


def test_plain_tags_are_allowed() -> None:
    assert data("!!map {a: !!seq [1], b: !!int '5'}") == {"a": [1], "b": 5}


def test_aliases_share_a_value() -> None:
    assert data("a: &x {k: [1]}\nb: *x\nc: [*x, *x]\n&k d: *k") == {
        "a": {"k": [1]}, "b": {"k": [1]}, "c": [{"k": [1]}, {"k": [1]}], "d": "d",
    }  # fmt: skip


def test_a_later_anchor_of_the_same_name_wins() -> None:
    assert data("[&x 1, *x, &x 2, *x]") == [1, 1, 2, 2]


def test_byte_order_mark_and_line_ends() -> None:
    assert data("\ufeffa: 1\r\nb: 2\r\n".encode()) == {"a": 1, "b": 2}


def test_an_explicit_document_and_a_directive_are_fine() -> None:
    assert data("%YAML 1.2\n---\na: 1\n...\n") == {"a": 1}


def test_places_are_of_keys_and_items() -> None:
    made = parse("a:\n  - b: 1\n    c: [x, {d: 2}]\n", "f")
    assert made.marks[("a",)] == (1, 1)
    assert made.marks[("a", 0)] == (2, 5)
    assert made.marks[("a", 0, "b")] == (2, 5)
    assert made.marks[("a", 0, "c")] == (3, 5)
    assert made.marks[("a", 0, "c", 1)] == (3, 12)
    assert made.marks[("a", 0, "c", 1, "d")] == (3, 13)


def test_a_problem_is_at_the_nearest_value_that_is_there() -> None:
    made = parse("a:\n  b: 1\n", "f")
    assert str(made.input_error([(("a", "b", "c", 3), "wrong")])) == "f:2:3: a.b.c[3]: wrong"
    assert str(made.input_error([(("z",), "missing")])) == "f:1:1: z: missing"


def test_places_behind_an_alias_are_the_alias_itself() -> None:
    made = parse("a: &x {k: 1}\nb: *x\n", "f")
    assert str(made.input_error([(("b", "k"), "wrong")])) == "f:2:1: b.k: wrong"


def test_parameter_errors_get_their_places() -> None:
    made = parse("a: 1\nb: 2\n", "f")
    errors = ParametersError([ParameterError(("b",), "two"), ParameterError(("a",), "one")])
    assert str(made.error(errors)) == "f:1:1: a: one\nf:2:1: b: two"
    assert str(made.error(ParameterError(("b",), "two"))) == "f:2:1: b: two"


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[[[[[\n", "{? "])
def test_a_million_levels_do_not_crash(opening: str) -> None:
    assert "deeper than 50" in refused(opening * 10**6)


def test_depth_by_aliases_counts() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{i + 1}: &a{i + 1} [*a{i}]\n" for i in range(10**4))
    assert "deeper than 50" in refused(text)


def test_aliases_that_repeat_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "MAX_ALIASED", 10)
    assert data("a: &a [1, 2]\nb: [*a, *a, *a]") == {"a": [1, 2], "b": [[1, 2]] * 3}
    assert "repeat more than 10 values" in refused("a: &a [1, 2]\nb: [*a, *a, *a, *a]")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2", "f:2:1: a: appears twice; keep one `a`"),
        ("x: {a: {b: 1}, a: {c: 2}}", "f:1:16: x.a: appears twice; keep one `a`"),
        ("1: a\n'1': b", "f:2:1: 1: appears twice; keep one `1`"),
        ("? [a]\n: 1", "f:1:3: a key must be text, not a list or a mapping"),
        ("x: {{a: [b]}: c, d: 1}", "f:1:5: x: a key must be text, not a list or a mapping"),
        ("k: &k v\n*k : 2", "f:2:1: a key must be text, not an alias; write the key out"),
        ("{: 1}", "f:1:2: there is no key before the `:`; write `key: value`"),
        ("!!set {a}", "f:1:1: the tag `!!set` isn't supported; write the value without a tag"),
        ("!x a: 1", "f:1:1: a: the tag `!x` isn't supported; write the value without a tag"),
        ("? !x a\n: 1", "f:1:3: a: the tag `!x` isn't supported; write the value without a tag"),
        ("[1, *a]", "f:1:5: [1]: there is no anchor `&a` before this alias"),
    ],
)
def test_problems_of_the_yaml_itself(text: str, said: str) -> None:
    assert refused(text) == said


def test_all_problems_of_the_yaml_are_said_even_before_a_syntax_error() -> None:
    assert refused("a: 1\na: 2\nb: !x 3\nc: [\n").split("\n") == [
        "f:2:1: a: appears twice; keep one `a`",
        "f:3:4: b: the tag `!x` isn't supported; write the value without a tag",
        "f:5:1: the file ends where a value must be; check brackets and commas",
    ]


def test_a_dropped_value_leaves_its_neighbours_alone() -> None:
    with pytest.raises(InputError) as caught:
        parse("? {a: [1, {b: 2}]}\n: {c: 3}\nd: &d 4\ne: !x 5\n", "f")
    assert [problem.key for problem in caught.value.problems] == ["", "e"]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "is empty"),
        (b"# only\n", "is empty"),
        (b"\xff\xfea\x00", "UTF-16"),
        (b"\xfe\xff\x00a", "UTF-16"),
        (b"a: \xff", "f:1:4: byte 0xff is not UTF-8"),
        (b"a: 1\nb: \xc3", "f:2:4: byte 0xc3 is not UTF-8"),
        ("a: \x00", "f:1:4: the character U+0000"),
        ("a: \x1b[0m", "f:1:4: the character U+001B"),
        ("a: \ud800", "f:1:4: the character U+D800"),
        ("a: 1\n\x7f", "f:2:1: the character U+007F"),
        ("a: x\x85", "f:1:5: the character U+0085"),
        ("a: x\u2028y", "f:1:5: the character U+2028"),
        ("a: &a [*a]", "is inside its own anchor"),
        ("a: 1\n---\nb: 1", "f:2:1: a second YAML document"),
    ],
)
def test_what_is_no_topology_file(raw: bytes | str, words: str) -> None:
    assert words in refused(raw)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "a: [1, 2",
            "f:2:1: expected `,` or `]` here, for the `[` of line 1, column 4; close it or put a comma",
        ),
        (
            "a: {b: 1]",
            "f:1:9: expected `,` or `}` here, for the `{` of line 1, column 4; close it or put a comma",
        ),
        ("a: 'x", "f:1:4: the text that starts here has no closing '; add it"),
        ("\ta: 1", "f:1:1: a tab can't indent YAML; use spaces"),
        ("a: @x", "f:1:4: `@` can't start a value; put the text in quotes"),
        ("a: ]", "f:1:4: there is no value here; check brackets and commas"),
        (
            "a: b: c",
            "f:1:5: a second `:` isn't allowed here; check the indentation, or put the text in quotes",
        ),
        (
            "- a\nb: 1",
            "f:2:1: this line doesn't line up with the list above it; start it with `- ` or indent it",
        ),
        ("a: - b", "f:1:4: a list's `- ` can't start here; put it on a line of its own"),
        ("%YAML 3.0\n---\na", "f:1:1: only YAML 1.x is known; remove the %YAML line"),
        ("a: |0\n b", "f:1:5: write `|` or `>` alone, and indent the text below it"),
        ("a: 'x\n---\n", "f:2:1: `---` or `...` is inside quoted text; close the quotes first"),
        ("a: !e!x 1", "f:1:4: tags (`!…`) aren't supported; put the text in quotes"),
        ("a: |x\n b", "f:1:5: nothing may follow `|` or `>` on its line; start the text on the next one"),
        ("a: !<x", "f:1:7: tags (`!…`) aren't supported; put the text in quotes"),
    ],
)
def test_syntax_errors_say_which_character_to_type(text: str, said: str) -> None:
    if not getattr(events.yaml, "__with_libyaml__", False):
        pytest.skip("the exact places are those of libyaml")
    assert refused(text) == said


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path, "is a directory; give the YAML file in it"),
        (tmp_path / "none.yaml", "there is no such file; check the path"),
        (tmp_path / ("x" * 300), "can't be read: File name too long"),
        (Path(f"{tmp_path}/\0"), "is not a path: embedded null byte"),
    ):
        with pytest.raises(InputError) as caught:
            read(path)
        assert str(caught.value).endswith(f": {words}")


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_text("a: 1", encoding="utf-8")
    monkeypatch.setattr("os.open", deny)
    with pytest.raises(InputError, match=r"^x\.yaml: can't be read: Permission denied$"):
        read("x.yaml")


def test_too_large_a_file_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "MAX_BYTES", 2**20)
    with pytest.raises(InputError, match="larger than 1 MiB"):
        read("/dev/zero")


def test_a_pipe_can_be_read() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"a: 1\n")
    os.close(writing)
    try:
        assert read(f"/dev/fd/{reading}").data == {"a": 1}
    finally:
        os.close(reading)


def test_the_folder_is_where_the_file_is(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("a: 1")
    assert read(tmp_path / "t.yaml").folder == tmp_path.resolve()


def test_reading_does_not_lean_on_the_recursion_limit() -> None:
    limit = sys.getrecursionlimit()
    text = "a: " + "[" * 40 + "]" * 40
    sys.setrecursionlimit(len(inspect.stack()) + 60)
    try:
        assert data(text)
    finally:
        sys.setrecursionlimit(limit)


def test_pythons_own_parser_does_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_Loader", yaml.SafeLoader)
    assert data("a: &x [1, no]\nb: {c: *x}") == {"a": [1, "no"], "b": {"c": [1, "no"]}}
    assert parse("a:\n  - b: 1", "f").marks[("a", 0, "b")] == (2, 5)
    assert refused("a: 1\na: 2") == "f:2:1: a: appears twice; keep one `a`"
    assert "a tab can't indent YAML" in refused("\ta: 1")
    assert "deeper than 50" in refused("[" * 2000)
    assert "doesn't line up" in refused("a:\n    b: 1\n  c: 2\n")
