"""Completion as shells do it: the script in a real bash, and in fish and zsh where they are installed."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.cli.main import COMMANDS, run
from topologies.engines import ENGINES

BASH = """
source ./script
COMP_WORDS=({words})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_emulator_completion emulator 2>/dev/null
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def folder(
    tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Path]:
    """A folder with the program `emulator` and two networks that are up: net of h1 to h3, other."""
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "bin" / "emulator"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m emulator "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    assert run(["up", "--topo", "single,3", "--engine", "dry-run"]) == 0
    assert run(["up", "--topo", "ring", "--engine", "dry-run"]) == 0
    yield tmp_path
    assert run(["down", "--all"]) == 0


def script(shell: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Write the completion script of a shell."""
    capsys.readouterr()
    assert run(["completion", shell]) == 0
    (folder / "script").write_text(capsys.readouterr().out)


def test_bash_completes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("bash", folder, capsys)

    def completed(words: str) -> set[str]:
        code = BASH.format(words=words)
        done = subprocess.run(["bash", "--norc", "-c", code], capture_output=True, text=True, check=True)
        return set(done.stdout.split())

    assert completed("emulator ''") == set(COMMANDS)
    assert completed("emulator st") == {"status", "stress"}
    assert completed("emulator workers st") == {"status", "start", "stop"}
    assert completed("emulator check ''") == completed("emulator exec --net ''") == {"single", "ring"}
    assert completed("emulator down s") == {"single"}
    assert completed("emulator exec --net single h") == {"h1", "h2", "h3"}
    assert completed("emulator status ring s") == {"s1", "s2", "s3"}
    assert completed("emulator inspect ''") == {"single", "ring"}
    assert completed("emulator link --net single h1 ''") == {"s1"}
    assert completed("emulator link --net ring l") == {"list"}
    assert completed("emulator exec --net single h1 -- emulato") == {"emulator"}
    assert completed("emulator exec --net single h1 emulato") == {"emulator"}
    assert completed("emulator exec --net single h1 -- cat scri") == set()  # left to bash: files
    assert completed("emulator examples fat-tree-") == {
        "fat-tree-command",
        "fat-tree-ecmp",
        "fat-tree-remote",
    }
    assert completed("emulator up --engine ''") == set(ENGINES)
    assert completed("emulator plan --topo t") == {"tree", "torus"}
    assert completed("emulator link --net single h1 s1 ''") == {"up", "down", "set", "show"}
    assert "--timeout" in completed("emulator check --")


def test_a_key_in_an_interactive_bash(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("bash", folder, capsys)
    child, terminal = pty.fork()
    if child == 0:
        words = ["bash", "--norc", "--noprofile", "-i"]
        os.execvpe("bash", words, os.environ | {"TERM": "dumb"})  # noqa: S606 -- it is one
    try:
        os.write(terminal, b"source ./script; bind 'set bell-style none'\nemulator status ring h\t\t")
        seen, last = b"", time.monotonic() + 60
        while b"h1  h2  h3" not in seen.replace(b"\t", b"  ") and time.monotonic() < last:
            if select.select([terminal], [], [], 0.2)[0]:
                seen += os.read(terminal, 65_536)
        assert b"h1  h2  h3" in seen, seen
    finally:
        os.close(terminal)
        os.waitpid(child, 0)


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish isn't installed")
def test_fish_completes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("fish", folder, capsys)
    (folder / "emulate").symlink_to(folder / "bin" / "emulator")

    def completed(line: str) -> list[str]:
        code = f'source ./script; complete -C "{line}"'
        done = subprocess.run(["fish", "--no-config", "-c", code], capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    assert completed("emulator exec --net single h") == ["h1", "h2", "h3"]
    assert completed("emulator lin") == [f"link\t{COMMANDS['link'][1]}"]
    assert "," in COMMANDS["link"][1]
    assert completed("./emulate exec --net single h") == ["h1", "h2", "h3"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh isn't installed")
def test_zsh_completes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("zsh", folder, capsys)
    (folder / "emulate").symlink_to(folder / "bin" / "emulator")
    for program in ("emulator", "./emulate"):
        code = f"""
            compdef() {{ registered=("${{@:2}}") }}; compadd() {{ print -l -- $completions }}; source ./script
            print -- $registered
            words=({program} exec --net single h); CURRENT=5; _emulator_completion"""
        done = subprocess.run(["zsh", "-f", "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines() == ["emulator emulate", "h1", "h2", "h3"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_that_shells_own(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert f"_EMULATOR_COMPLETE={shell}_complete" in out
    if shutil.which(shell):
        assert subprocess.run([shell, "-n"], input=out, text=True, check=False).returncode == 0


def test_nothing_is_completed_where_nothing_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", "/dev/null/none")
    monkeypatch.setenv("_EMULATOR_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "emulator exec h")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert run([]) == 0
    assert capfd.readouterr() == ("\n", "")
