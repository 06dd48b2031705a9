"""Example files: all are listed and described, and run alone in another folder with what they use."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import stress
import topologies
from emulator.cli.main import run
from stress.scenario.load import load as load_scenario
from topologies.build import open_topology

_FOLDERS = {
    "topology": Path(topologies.__file__).parent / "examples",
    "scenario": Path(stress.__file__).parent / "examples",
}


def test_all_are_listed_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["examples", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["examples"]
    found = {(row["kind"], row["example"]) for row in rows}
    assert found == {(kind, path.stem) for kind, place in _FOLDERS.items() for path in place.glob("*.yaml")}
    assert all(row["about"].endswith((".", "?", ":")) for row in rows)
    assert run(["examples"]) == 0
    out = capsys.readouterr().out
    assert all(row["about"] in out for row in rows)


@pytest.mark.parametrize("word", ["fat-tree-ecmp", "fat-tree-ecmp.yaml", "port-churn"])
def test_the_name_of_an_example_is_no_file_but_leads_to_it(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["plan", word]) == 2
    found = re.search(r"`emulator (examples \S+)` copies", capsys.readouterr().err)
    assert found is not None
    assert run(found[1].split()) == 0
    assert run(["plan", "nothing.yaml"]) == 2
    assert "there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(_FOLDERS["topology"].glob("*.yaml")), ids=lambda path: path.stem)
def test_a_copy_needs_nothing_that_is_not_copied(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["examples", path.stem]) == 0
    files = capsys.readouterr().out.split()
    assert files[0] == path.name
    assert (tmp_path / path.name).read_bytes() == path.read_bytes()
    if not path.stem.startswith(("region-1m", "vpc-100k")):  # built in other tests
        open_topology(path.name)


def test_scenarios_load_where_they_are_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["examples", "--all", "-o", str(tmp_path / "all")]) == 0
    capsys.readouterr()
    for path in _FOLDERS["scenario"].glob("*.yaml"):
        assert load_scenario(str(tmp_path / "all" / path.name)).scenario.name
    assert (tmp_path / "all/controllers/learning_switch.py").is_file()


def test_nothing_is_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "campus.edges").write_text("mine\n")
    assert run(["examples", "campus", "-o", str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert not (tmp_path / "campus.yaml").exists()
    assert (tmp_path / "campus.edges").read_text() == "mine\n"
    assert run(["examples", "campsu"]) == 2
    assert "did you mean `campus`?" in capsys.readouterr().err


def test_one_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["examples", "linear", "--print"]) == 0
    assert capsys.readouterr().out == (_FOLDERS["topology"] / "linear.yaml").read_text()
