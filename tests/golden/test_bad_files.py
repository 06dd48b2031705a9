"""Every file in `bad/` is refused with exactly the lines of its `.expected`.

After a change of words: UPDATE_GOLDEN=1 pytest tests/golden/test_bad_files.py, then read the
difference line by line; what is recorded must be right, not merely what was said.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.golden import recorded, refusal

from topologies.build import open_topology

BAD = Path(__file__).parent / "bad"
FILES = sorted(BAD.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_is_refused_with_these_lines(path: Path) -> None:
    lines = refusal(path, open_topology)
    assert lines == recorded(path.with_suffix(".expected"), lines)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_line_has_its_place_and_is_safe_to_print(path: Path) -> None:
    lines = path.with_suffix(".expected").read_text().splitlines()
    assert lines
    for line in lines:
        file, row, column, words = line.split(":", 3)
        assert file == path.name
        assert int(row) >= 1
        assert int(column) >= 1
        assert words.startswith(" ")
        assert line.isprintable()
        assert len(line) < 600


def test_there_are_enough_of_them_and_none_is_left_over() -> None:
    assert len(FILES) >= 60
    assert {path.stem for path in FILES} == {path.stem for path in BAD.glob("*.expected")}
