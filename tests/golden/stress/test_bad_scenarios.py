"""Every scenario in `bad/` is refused with exactly the lines of its `.expected`.

After a change of words: UPDATE_GOLDEN=1 pytest tests/golden/stress, then read the difference line by line.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.golden import recorded, refusal
from support.topologies import make

from stress.limits import wanted
from stress.scenario.load import load
from stress.schedule import planned

BAD = Path(__file__).parent / "bad"
FILES = sorted(BAD.glob("*.yaml"))


def plan(path: Path) -> None:
    """Load a scenario and its limits, and plan it on 16 hosts below 5 switches."""
    document = load(path)
    wanted(document)
    planned(document, make("tree", depth=2, fanout=4), document.scenario.seed, document.steps())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_is_refused_with_these_lines(path: Path) -> None:
    lines = refusal(path, plan)
    assert lines == recorded(path.with_suffix(".expected"), lines)


def test_every_line_has_its_place() -> None:
    for path in FILES:
        for line in path.with_suffix(".expected").read_text().splitlines():
            file, row, column, words = line.split(":", 3)
            assert file == path.name
            assert int(row) >= 1
            assert int(column) >= 1
            assert words.startswith(" ")


def test_there_are_enough_of_them_and_none_is_left_over() -> None:
    assert len(FILES) >= 25
    assert {path.stem for path in FILES} == {path.stem for path in BAD.glob("*.expected")}
