from __future__ import annotations

import pytest

from topologies.errors import (
    MAX_SHOWN,
    MAX_WORDS,
    EmulationError,
    InputError,
    ParameterError,
    ParametersError,
    Problem,
    dotted,
    printable,
    shortened,
)


def test_a_problem_is_one_line_with_its_place() -> None:
    assert (
        str(Problem("f.yaml", 3, 5, "links[0].delay", "is wrong")) == "f.yaml:3:5: links[0].delay: is wrong"
    )
    assert str(Problem("f.yaml", 1, 1, "", "is empty")) == "f.yaml:1:1: is empty"
    assert str(Problem("f.yaml", 0, 0, "", "can't be read")) == "f.yaml: can't be read"


def test_nothing_from_a_file_reaches_the_terminal_raw() -> None:
    line = str(Problem("f\x1b.yaml", 1, 1, dotted(("a\nb", "\x9b")), "`\x1b[2J\u202e` is\r wrong\u2028"))
    assert line.isprintable()
    assert line == r'f\x1b.yaml:1:1: ["a\nb"]["\x9b"]: `\x1b[2J\u202e` is\r wrong\u2028'


def test_a_message_is_bounded() -> None:
    assert len(str(Problem("f", 1, 1, dotted(("k" * 5000,)), "x" * 10**6))) < MAX_WORDS + 100


def test_problems_come_in_file_order_each_once() -> None:
    late, early = Problem("f", 9, 1, "b", "late"), Problem("f", 2, 7, "a", "early")
    error = InputError([late, early, late])
    assert error.problems == [early, late]
    assert str(error) == "f:2:7: a: early\nf:9:1: b: late"
    assert error.exit_code == 2


def test_a_flood_of_problems_is_kept_but_not_all_printed() -> None:
    error = InputError(Problem("f", line, 1, "k", "wrong") for line in range(1, MAX_SHOWN + 1002))
    assert len(error.problems) == MAX_SHOWN + 1001
    lines = str(error).split("\n")
    assert len(lines) == MAX_SHOWN + 1
    assert lines[-1] == "and more problems, which weren't counted; fix these first"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a",), "a"),
        (("links", 0, "delay"), "links[0].delay"),
        (("nodes", "a/b", "ip"), 'nodes["a/b"].ip'),
        (("nodes", "h.1"), 'nodes["h.1"]'),
        (("", "x"), '[""].x'),
        ((3,), "[3]"),
    ],
)
def test_paths_as_people_write_them(path: tuple[str | int, ...], text: str) -> None:
    assert dotted(path) == text


def test_shortened_keeps_both_ends() -> None:
    assert shortened("short") == "short"
    made = shortened("a" * 100 + "z" * 100, 40)
    assert len(made) == 40
    assert made.startswith("aaaa")
    assert made.endswith("zzzz")


def test_printable_leaves_letters_of_all_languages() -> None:
    assert printable("hôte 主机") == "hôte 主机"
    assert printable("a\tb") == r"a\tb"
    assert printable("\udc80") == r"\udc80"


def test_parameter_errors_are_gathered() -> None:
    first, second = ParameterError(("a",), "one"), ParameterError(("b", 1), "two")
    both = ParametersError([ParametersError([first]), second])
    assert both.errors == (first, second)
    assert str(both) == "a: one"
    assert str(second) == "b[1]: two"


def test_raise_any_raises_what_there_is() -> None:
    ParametersError.raise_any([])
    one = ParameterError(("a",), "one")
    with pytest.raises(ParameterError) as caught:
        ParametersError.raise_any([one])
    assert caught.value is one
    with pytest.raises(ParametersError) as several:
        ParametersError.raise_any([one, one])
    assert len(several.value.errors) == 2


def test_wrong_input_is_also_a_value_error() -> None:
    for kind in (InputError, ParameterError):
        assert issubclass(kind, EmulationError)
        assert issubclass(kind, ValueError)
        assert kind.exit_code == 2
