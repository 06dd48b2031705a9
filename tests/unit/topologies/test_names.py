from __future__ import annotations

import numpy as np
import pytest

from topologies.names import Block, NameBlock, NameList, Names

NAMES = Names(
    (
        NameBlock(("s",), (2,)),
        NameList(("gw", "h1x")),
        NameBlock(("p", "e"), (2, 3)),
        NameBlock(("h",), (12,)),
    )
)


def test_names_in_order() -> None:
    assert list(NAMES)[:10] == ["s1", "s2", "gw", "h1x", "p1e1", "p1e2", "p1e3", "p2e1", "p2e2", "p2e3"]
    assert len(NAMES) == 22


def test_index_and_name_are_inverse() -> None:
    assert [NAMES.find(NAMES[i]) for i in range(len(NAMES))] == list(range(len(NAMES)))


@pytest.mark.parametrize(
    "name",
    ["s0", "s3", "s01", "s", "s1 ", "S1", "p1e4", "p0e1", "p1", "h13", "", "s-1", "s1\n", "h" + "9" * 5000],
)
def test_no_such_name(name: str) -> None:
    assert NAMES.find(name) is None
    assert name not in NAMES


@pytest.mark.parametrize("index", [-1, 22])
def test_no_such_index(index: int) -> None:
    with pytest.raises(IndexError):
        NAMES[index]


def test_membership_does_not_walk_the_names() -> None:
    million = Names((NameBlock(("h",), (10**12,)),))
    assert "h999999999999" in million
    assert 5 not in million


@pytest.mark.parametrize(
    ("glob", "names"),
    [
        ("gw", ["gw"]),
        ("nothing", []),
        ("p2*", ["p2e1", "p2e2", "p2e3"]),
        ("h[1-3]", ["h1", "h2", "h3"]),
        ("h?x", ["h1x"]),
        ("S*", []),
    ],
)
def test_match(glob: str, names: list[str]) -> None:
    assert [NAMES[i] for i in NAMES.match(glob).tolist()] == names


def test_match_all() -> None:
    assert NAMES.match("*").tolist() == list(range(22))


def test_prefixed() -> None:
    east = NAMES.prefixed("east.")
    assert east[4] == "east.p1e1"
    assert east.find("east.h12") == 21
    assert east.find("h12") is None
    assert east.find("eastxh12") is None


def test_numbers_from_another_first() -> None:
    block = NameBlock(("s",), (3,), first=5)
    assert [block.name(i) for i in range(3)] == ["s5", "s6", "s7"]
    assert (block.find("s5"), block.find("s4"), block.find("s8")) == (0, None, None)


def test_longest() -> None:
    assert NAMES.longest() == len("p1e1")
    assert Names((NameBlock(("h",), (1000,)), NameList(("a", "abcdefg")))).longest() == 7
    assert Names((NameBlock(("h",), (0,)),)).longest() == 0
    assert Names(()).longest() == 0


@pytest.mark.parametrize("block", [NameBlock(("h",), (4,)), NameBlock(("p", "e", "h"), (2, 3, 12), first=0),
                                   NameBlock(("a", "b"), (3, 0)), NameList(("x", "y"))])  # fmt: skip
def test_all_names_of_a_block_are_those_of_its_offsets(block: Block) -> None:
    assert list(block) == [block.name(offset) for offset in range(block.count)]


def test_names_of_some_nodes() -> None:
    names = Names((NameBlock(("h",), (3,)), NameList(("x", "y"))))
    assert names.take(np.array([0, 2, 3])) == ["h1", "h3", "x"]
    assert names.take(np.arange(5)) == list(names)
