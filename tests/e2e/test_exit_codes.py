"""Exit codes: 0 done, 1 a check failed, 2 wrong input, 3 this machine can't, 4 it broke."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = pytest.mark.e2e

NOBODY = 65534


def test_wrong_file_is_2_and_makes_nothing(cli: CommandLine, tmp_path: Path, state_dir: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: bad\ntopology: {generator: fat-tree, k: 3}\n")
    said = cli("up", "bad.yaml", code=2).stderr
    assert said.startswith("bad.yaml:2:")
    assert not state_dir.exists()


@pytest.mark.parametrize(
    "words",
    [("up", "absent.yaml"), ("status", "nothing"), ("exec", "h1", "--", "true"), ("updown",), ("down",)],
    ids=" ".join,
)
def test_wrong_words_are_2(cli: CommandLine, words: tuple[str, ...]) -> None:
    said = cli(*words, code=2).stderr
    assert said
    assert "Traceback" not in said


def test_unknown_engine_is_2(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("name: net\ntopology: {generator: linear, k: 2}\n")
    assert "there is no engine `nettns`" in cli("up", "net.yaml", "--engine", "nettns", code=2).stderr


@pytest.mark.privileged
def test_hollow_nodes_are_refused_with_3(cli: CommandLine, tmp_path: Path, state_dir: Path) -> None:
    (tmp_path / "net.yaml").write_text("name: net\nfidelity: hollow\ntopology: {generator: linear, k: 2}\n")
    assert "hollow" in cli("up", "net.yaml", code=3).stderr
    assert not state_dir.exists()


# Run once as root, so that all it needs is imported: `nobody` may not be able to read it.
_AS_NOBODY = """
import os, sys
from emulator.cli.main import run

assert run(["status"]) == 0
import emulator.cli.elevate
os.setgroups([])
os.setuid(int(sys.argv[1]))
sys.exit(run(["status"]))
"""


@pytest.mark.privileged
def test_not_root_without_sudo_is_3(tmp_path: Path, state_dir: Path) -> None:
    """Run by `nobody`, with nothing called sudo in the path."""
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(NOBODY)], cwd="/", check=False, capture_output=True, text=True,
        env=os.environ | {"PATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "needs root" in done.stderr


@pytest.mark.privileged
def test_a_cut_network_fails_its_check_with_1(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text("name: net\ntopology: {generator: linear, k: 2}\n")
    cli("up", "net.yaml", code=0)
    cli("exec", "h1", "--", "ip", "address", "flush", "scope", "global", code=0)
    assert "h1" in cli("check", code=1).stdout
    cli("down", "net", code=0)


@pytest.mark.privileged
@pytest.mark.parametrize("words", ["up net.yaml", "up net.yaml --engine dry-run", "down --all", "down net",
                                   "status", "status net", "doctor"])  # fmt: skip
@pytest.mark.parametrize(
    "way", ["/etc/passwd", "/dev/null/x", "/run/" + "n" * 300], ids=["file", "through", "long"]
)
def test_a_state_directory_that_can_be_none_is_3(
    way: str, words: str, cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.yaml").write_text("name: net\ntopology: {generator: linear, k: 2}\n")
    monkeypatch.setenv("EMULATOR_STATE_DIR", way)
    assert "can't write to the state directory" in cli(*words.split(), code=3).stderr
