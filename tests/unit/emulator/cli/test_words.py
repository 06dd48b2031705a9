"""What commands say to people about small networks: one link is a link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emulator.cli.main import run

FILE = """\
name: n
engine: dry-run
topology: {nodes: {h1: {kind: host}, h2: {kind: host}}, links: [[h1, h2, {queue: 1}]]}
"""

_ONE_OF_MANY = re.compile(r"(?<![\d.,])1 (?:hosts|links|pairs|packets|nodes|routes|switches|routers)\b")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["up", "n.yaml"], "2 hosts, 1 link\n"),
        (["status"], "1 link, fidelity"),
        (["plan", "n.yaml", "--show"], "2 hosts, 1 link\n"),
        (["link", "h1", "h2", "show"], "queue 1 packet\n"),
        (["check"], "2 pairs, 2 reachable"),
        (["check", "--sample", "1"], "1 pair, 1 reachable"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_one_is_singular(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    Path("n.yaml").write_text(FILE)
    assert run(["up", "n.yaml"]) == 0
    capsys.readouterr()
    if words[0] == "up":
        assert run(["down", "n"]) == 0
    assert run(words) == 0
    captured = capsys.readouterr()
    assert said in captured.out + captured.err
    assert not _ONE_OF_MANY.search(captured.out + captured.err)
