"""Standard streams that are closed, full, or read by nobody any more; commands that can't be run."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = pytest.mark.e2e

EMULATOR = f"'{sys.executable}' -m emulator"


def shell(words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `words` by the shell, with EMULATOR standing for the program."""
    return subprocess.run(
        ["/bin/sh", "-c", words.replace("EMULATOR", EMULATOR)],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_closed_streams_are_as_good_as_devnull(tmp_path: Path) -> None:
    done = shell("EMULATOR schema >&- <&- && EMULATOR --version >&- 2>&-", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    done = shell("EMULATOR schema > /dev/full", tmp_path)
    assert (done.returncode, done.stderr) == (3, "emulator: can't write: No space left on device\n")


@pytest.mark.privileged
def test_too_few_open_files_are_said(tmp_path: Path, cli: CommandLine) -> None:
    (tmp_path / "net.yaml").write_text("name: net\ntopology: {generator: single, hosts: 40}\n")
    cli("up", "net.yaml", code=0)
    done = shell("ulimit -n 24; EMULATOR check net", tmp_path)
    cli("down", "net", code=0)
    assert (done.returncode, done.stderr) == (
        3,
        "emulator: Too many open files; raise the limit (ulimit -n 4096)\n",
    )


def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path) -> None:
    done = shell("{ EMULATOR schema; echo $? >&2; } | true", tmp_path)
    assert done.stderr == "0\n"


@pytest.fixture
def network(tmp_path: Path, cli: CommandLine) -> None:
    (tmp_path / "net.yaml").write_text("name: net\ntopology: {generator: single, hosts: 2}\n")
    cli("up", "net.yaml", code=0)


@pytest.mark.privileged
def test_a_missing_program_is_named(network: None, cli: CommandLine) -> None:
    said = "can't run `no-such-program` in h1: there is no such program; install it"
    assert said in cli("exec", "h1", "--", "no-such-program", code=3).stderr
    assert said in cli("exec", "h*", "--", "no-such-program", code=3).stderr
    assert (
        "no-such-program: " in cli("shell", code=127, stdin="h1 no-such-program\n").stderr
    )  # the shell's own words
    cli("down", "net", code=0)


@pytest.mark.privileged
def test_a_timeout_leaves_one_command_its_streams(network: None, cli: CommandLine) -> None:
    assert cli("exec", "--timeout", "20", "h1", "--", "cat", code=0, stdin="mine\n").stdout == "mine\n"
    assert "timed out" in cli("exec", "--timeout", "0.1", "h1", "--", "sleep", "20", code=124).stderr
    cli("down", "net", code=0)


@pytest.mark.privileged
def test_the_shell_keeps_the_order_and_survives_null_bytes(network: None, cli: CommandLine) -> None:
    done = cli("shell", code=0, stdin="help\nh1 echo a\0b\nh1 echo after\n")
    assert done.stdout.endswith("\nafter\n")
    assert "null byte" in done.stderr
    cli("down", "net", code=0)


PIPED = "name: piped\ntopology: {file: campus.edges}\n"


def test_a_topology_file_comes_from_standard_input(cli: CommandLine, tmp_path: Path) -> None:
    """Its relative paths start in the current folder; commands may read it more than once."""
    (tmp_path / "campus.edges").write_text("a b\nb c\n")
    assert cli("plan", "-", stdin=PIPED, code=0).stdout.startswith("piped: 3 switches, 2 links")
    assert "it can run here" in cli("doctor", "-", "--engine", "dry-run", stdin=PIPED, code=0).stdout
    done = shell("printf 'name: x\\ntopology: {generator: tre}' | EMULATOR plan -", tmp_path)
    assert done.stderr.startswith("/dev/stdin:2:12: topology.generator: `tre` is not a generator")


def test_standard_input_may_be_a_socket(tmp_path: Path) -> None:
    """As of a program that ssh(1) starts on another machine without a terminal."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"name: sent\ntopology: {generator: single}\n")
        ours.shutdown(socket.SHUT_WR)
        done = subprocess.run(
            [sys.executable, "-m", "emulator", "plan", "-"],
            stdin=theirs, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "sent: 2 hosts, 1 switch, 2 links")


def test_a_terminal_is_no_topology_file(tmp_path: Path) -> None:
    done = shell('script -qec "EMULATOR plan -" /dev/null', tmp_path)
    assert "standard input is a terminal; pipe a topology file into it" in done.stdout
