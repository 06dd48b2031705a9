"""Numbers that make no sense are refused before anything is looked at, with what may be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.cli.main import run


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["exec", "--timeout", "nan", "h1", "--", "true"], "from 0.05 to 1,000,000"),
        (["exec", "--timeout", "-1", "h1", "--", "true"], "`-1` is not a number of seconds"),
        (["exec", "--timeout", "1e400", "h1", "--", "true"], "`1e400` is not a number of seconds"),
        (["exec", "--timeout", "soon", "h1", "--", "true"], "`soon` is not a number of seconds"),
        (["check", "--timeout", "NaN"], "from 0.05 to 60"),
        (["check", "--timeout", "61"], "from 0.05 to 60"),
        (["check", "--sample", "0"], "--sample"),
        (["check", "--sample", "-5"], "--sample"),
        (["capture", "h1", "-o", "x", "--seconds", "nan"], "`nan` is not a number of seconds"),
        (["capture", "h1", "-o", "x", "--seconds", "0"], "from 0.01 to"),
        (["capture", "h1", "-o", "x", "--count", "0"], "--count"),
        (["plan", "x.yaml", "--workers", "0"], "--workers"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_numbers_without_sense_are_2(
    words: list[str], hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    assert run(words) == 2
    said = capsys.readouterr().err
    assert "Invalid value" in said
    assert hint in said


def test_pingall_takes_a_number_of_pairs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from emulator.cli.networks import chosen_network
    from emulator.cli.shell.interpreter import Interpreter

    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "n.yaml").write_text("name: n\nengine: dry-run\ntopology: {generator: single, hosts: 3}\n")
    assert run(["up", str(tmp_path / "n.yaml")]) == 0
    shell = Interpreter(chosen_network("n"), terminal=False)
    assert [shell.run(iter([f"pingall {word}\n"])) for word in ("0", "-1", "x", "2", "")] == [2, 2, 2, 0, 0]
    assert "`x` is not a number of pairs (1 or more)" in capsys.readouterr().err
