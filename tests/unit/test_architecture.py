"""ARCHITECTURE.md and CONTRIBUTING.md name files and functions that exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md")
_QUOTED = re.compile(r"`([^`\n]+)`")
_FILE = re.compile(r"[\w./-]+\.(?:py|js|c|json|toml|yaml)")
_FOLDER = re.compile(r"[a-z][\w./-]*/")
_STANDS_FOR_ANY = ("NAME", "NET", "wheel", "isolate", "folders")
"""Parts of names that readers are to replace, and the files that CONTRIBUTING has them write."""
_MADE_AT_RUN_TIME = {"record.json", "net.yaml", "dc.yaml"}


def quoted(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return _QUOTED.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL))


def known() -> set[str]:
    """Return all files and folders of the project, and each of their endings: `c.py` of `a/b/c.py`."""
    found: set[str] = set()
    for top in ("topologies", "emulator", "stress", "tests", "benchmarks", "docs", "ansible"):
        for path in [ROOT / top, *(ROOT / top).rglob("*")]:
            parts = path.relative_to(ROOT).parts
            found.update("/".join(parts[at:]) for at in range(len(parts)))
    found.update(path.name for path in ROOT.iterdir())
    return found


@pytest.mark.parametrize("page", PAGES)
def test_files_and_folders_that_are_named_exist(page: str) -> None:
    there = known()
    named = [word for word in quoted(page) if _FILE.fullmatch(word) or _FOLDER.fullmatch(word)]
    checked = [word for word in named if not any(part in word for part in _STANDS_FOR_ANY)]
    assert len(checked) > 10
    assert [word for word in checked if word.rstrip("/") not in there and word not in _MADE_AT_RUN_TIME] == []


def journey() -> Iterator[tuple[list[str], list[str]]]:
    """Yield (files, names) of each row of the table of a link's journey."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = text.partition("## The journey of one link")[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = line.split("|")
        if len(cells) == 5 and ".py" in cells[2]:
            yield _QUOTED.findall(cells[2]), _QUOTED.findall(cells[3])


def test_each_step_of_the_journey_is_in_its_file() -> None:
    rows = list(journey())
    assert len(rows) > 10
    for files, names in rows:
        defined = {
            node.name
            for file in files
            for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        assert set(names) <= defined, (files, names)
