"""One table of engines: everything that names them reads it, and nothing branches on a name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import emulator
import stress
import topologies
from emulator.engines.registry import engine_named, take_down
from emulator.errors import UsageError
from emulator.state import NetworkState, Record
from topologies.engines import DEFAULT_ENGINE, ENGINES, EngineRow, engine_choices

CLONE = Path(__file__).parents[4]
SOURCES = [Path(package.__file__ or "").parent for package in (emulator, stress, topologies)]
FORMATS = ("topologies/formats/", "emulator/cli/export.py")
"""`mininet` is a format of files there, and a module of Python's."""


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_is_made_from_its_row_and_has_its_name(name: str) -> None:
    engine = engine_named(name)
    assert engine.name == name
    assert type(engine).__name__ == ENGINES[name].target.partition(":")[2]
    assert isinstance(engine.needs_root, bool)


def test_an_engine_that_is_not_in_the_table_is_unknown() -> None:
    with pytest.raises(UsageError, match=re.escape("there is no engine `netnz`; did you mean `netns`?")):
        engine_named("netnz")
    with pytest.raises(UsageError, match="use one of: netns, mininet, cluster, distrinet, maxinet, dry-run"):
        engine_named("zzz")


def test_the_table_is_of_names_that_files_can_say() -> None:
    assert DEFAULT_ENGINE in ENGINES
    assert engine_choices() == "netns, mininet, cluster, distrinet, maxinet or dry-run"
    assert all(row.help and "\n" not in row.help for row in ENGINES.values())


def test_a_network_is_taken_down_by_the_engine_of_its_record(
    state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "taken = []\nclass Toy:\n    def take_down(self, name, progress):\n        taken.append(name)\n"
    (tmp_path / "toy_engine.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(ENGINES, "toy", EngineRow("toy_engine:Toy", "a toy"))
    state = NetworkState(state_dir, "n")
    state.make()
    state.write(Record(name="n", engine="toy"))
    take_down("n")
    assert import_module("toy_engine").taken == ["n"]


@pytest.mark.parametrize("record", ["{", '{"name": "n", "engine": "of-another-version"}', None])
def test_a_damaged_record_goes_the_way_that_removes_all_there_could_be(
    record: str | None, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed: list[str] = []
    monkeypatch.setattr(
        "emulator.engines.store.take_down", lambda state, _progress: removed.append(state.name)
    )
    state = NetworkState(state_dir, "n")
    state.make()
    if record is not None:
        state.record_path.write_text(record, encoding="utf-8")
    take_down("n")
    assert removed == ["n"]


def _conditions(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield what is compared, and what a `case` matches."""
    for part in ast.walk(tree):
        if isinstance(part, ast.Compare):
            yield from (part.left, *part.comparators)
        elif isinstance(part, ast.MatchValue):
            yield part.value


def test_no_condition_names_an_engine() -> None:
    found = []
    for package in SOURCES:
        for path in sorted(package.rglob("*.py")):
            place = f"{package.name}/{path.relative_to(package)}"
            if place.startswith(FORMATS):
                continue
            for condition in _conditions(ast.parse(path.read_text(encoding="utf-8"))):
                words = {part.value for part in ast.walk(condition) if isinstance(part, ast.Constant)}
                if words & set(ENGINES):
                    found.append(f"{place}:{condition.lineno}")
    assert not found, "what differs between engines is a column of the table or a method"


def test_the_pages_list_the_engines_of_the_table() -> None:
    def part(page: str, pattern: str) -> str:
        found = re.search(pattern, (CLONE / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        assert found is not None, page
        return found[1]

    names = list(ENGINES)
    assert part("docs/command-line.md", r"emulator up FILE[^\n]* \[--engine ([^\]]+)\]").split("|") == names
    assert re.findall(r"`([^`]+)`", part("docs/file-format.md", r"^\| `engine` \|(.*?); `--engine`")) == names
    rows = part("README.md", r"^\| engine \|.*?\n(.*?)\n\n")
    assert re.findall(r"^\| `([^`]+)`", rows, re.MULTILINE) == names
