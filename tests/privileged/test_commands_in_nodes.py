"""Where commands in nodes start, what they are called, and when their output comes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

FILE = "name: n\ntopology: {generator: single, hosts: 3}\n"
ENVIRONMENT = 'echo "$PWD $(pwd -P) $(hostname) $HOSTNAME $EMULATOR_NODE"'


@pytest.fixture
def net(cli: CommandLine, tmp_path: Path) -> CommandLine:
    (tmp_path / "n.yaml").write_text(FILE)
    cli("up", "n.yaml", code=0)
    return cli


def test_commands_start_here_and_know_their_node(net: CommandLine, tmp_path: Path) -> None:
    before = subprocess.run(["hostname"], check=True, capture_output=True, text=True).stdout
    (tmp_path / "script").write_text(f"#!/bin/sh\n{ENVIRONMENT}; echo >> marks\n")
    (tmp_path / "script").chmod(0o755)
    here = tmp_path.resolve()
    assert net("exec", "h1", "--", "./script", code=0).stdout == f"{tmp_path} {here} h1 h1 h1\n"
    said = net("exec", "h*", "--", "./script", code=0).stdout.splitlines()
    assert sorted(said) == [f"{name}: {tmp_path} {here} {name} {name} {name}" for name in ("h1", "h2", "h3")]
    assert (tmp_path / "marks").read_text() == "\n" * 4
    assert subprocess.run(["hostname"], check=True, capture_output=True, text=True).stdout == before
    net("down", "n", code=0)


def test_a_directory_that_is_gone_hinders_nothing(net: CommandLine, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    words = f"cd {gone} && rmdir {gone} && exec {sys.executable} -P -m emulator exec h1 -- hostname"
    assert subprocess.run(["sh", "-c", words], check=True, capture_output=True, text=True).stdout == "h1\n"
    net("down", "n", code=0)


def test_lines_of_several_nodes_come_while_commands_run(net: CommandLine, tmp_path: Path) -> None:
    script = "echo begun; echo to-errors >&2; printf unended; until [ -e go ]; do sleep 0.05; done"
    argv = [sys.executable, "-P", "-m", "emulator", "exec", "h*", "--", "sh", "-c", script]
    process = subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = sorted(process.stdout.readline() for _ in range(3))  # all three still run
        assert first == ["h1: begun\n", "h2: begun\n", "h3: begun\n"]
        assert sorted(process.stderr.readline() for _ in range(3)) == [
            f"h{n}: to-errors\n" for n in (1, 2, 3)
        ]
        (tmp_path / "go").touch()
        assert sorted(process.stdout) == ["h1: unended\n", "h2: unended\n", "h3: unended\n"]
        assert process.wait(timeout=20) == 0
    net("down", "n", code=0)


def test_a_command_that_closes_its_output_is_waited_for(net: CommandLine) -> None:
    begin = time.monotonic()
    assert net("exec", "h[12]", "--", "sh", "-c", "exec >&- 2>&-; sleep 0.7; exit 5").returncode == 5
    assert time.monotonic() - begin > 0.7
    said = net("exec", "--timeout", "0.3", "h[12]", "--", "sh", "-c", "echo out; exec >&- 2>&-; sleep 60")
    assert (said.returncode, said.stderr.count("timed out")) == (124, 2)
    assert sorted(said.stdout.splitlines()) == ["h1: out", "h2: out"]
    net("down", "n", code=0)
