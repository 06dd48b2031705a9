"""Ctrl-C and SIGTERM while commands run in nodes: they end, nothing runs on, and shells' exit codes."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

SLEEP = "sleep 86399"
"""What the nodes are told to run, in a shell of its own: `sh` alone would be replaced by it."""


@pytest.fixture
def net(cli: CommandLine, tmp_path: Path) -> CommandLine:
    (tmp_path / "i.yaml").write_text("name: i\ntopology: {generator: single, hosts: 3}\n")
    cli("up", "i.yaml", code=0)
    return cli


def inside() -> list[int]:
    """Return the processes of this user that sleep as long as only this test does."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[:2] == SLEEP.encode().split():
            found.append(int(entry.name))
    return found


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def has_socket(pid: int) -> bool:
    """Return whether the process has a socket open."""
    folder = Path(f"/proc/{pid}/fd")
    with suppress(FileNotFoundError):  # closed while we look
        return any(str(entry.readlink()).startswith("socket:") for entry in folder.iterdir())
    return False


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start the command line without a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "emulator", *words], cwd=folder, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("node", "count"), [("h1", 1), ("h*", 3)])
def test_exec_ends_what_it_started(
    net: CommandLine, tmp_path: Path, node: str, count: int, number: signal.Signals
) -> None:
    process = start(tmp_path, "exec", node, "--", "sh", "-c", f"{SLEEP}; true")
    until(lambda: len(inside()) == count)
    process.send_signal(number)
    _, words = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert "bug" not in words
    until(lambda: not inside())
    net("down", "i", code=0)


def test_those_that_do_not_listen_are_killed(net: CommandLine, tmp_path: Path) -> None:
    process = start(tmp_path, "exec", "h*", "--", "sh", "-c", f"trap '' INT TERM; {SLEEP}; true")
    until(lambda: len(inside()) == 3)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert not inside()
    net("down", "i", code=0)


@pytest.mark.parametrize("node", ["h1", "h*"])
def test_a_timeout_ends_what_the_command_started(net: CommandLine, tmp_path: Path, node: str) -> None:
    process = start(tmp_path, "exec", "--timeout", "0.3", node, "--", "sh", "-c", f"{SLEEP}; true")
    begin = time.monotonic()
    process.communicate(timeout=20)
    assert process.returncode == 124
    assert time.monotonic() - begin < 10
    until(lambda: not inside())
    net("down", "i", code=0)


def test_a_command_may_take_ctrl_c_for_its_own(net: CommandLine, tmp_path: Path) -> None:
    """As ping does, which then says what it has counted, and ends with 0."""
    script = "trap 'echo got it; exit 7' INT; echo begun; while :; do sleep 0.05; done"
    process = start(tmp_path, "exec", "h1", "--", "sh", "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert process.returncode == 7
    assert said == "got it\n"
    net("down", "i", code=0)


def test_ctrl_c_on_a_terminal_comes_once(net: CommandLine, tmp_path: Path) -> None:
    script = (
        "n=0; trap 'n=$((n+1))' INT; echo begun; while [ $n -lt 1 ]; do sleep 0.05; done; sleep 0.5; exit $n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        words = [sys.executable, "-m", "emulator", "exec", "h1", "--", "sh", "-c", script]
        os.execv(sys.executable, words)  # noqa: S606
    said = b""
    while b"begun" not in said:
        assert select.select([terminal], [], [], 20)[0]
        said += os.read(terminal, 4096)
    os.write(terminal, b"\x03")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    os.close(terminal)
    net("down", "i", code=0)


def test_ctrl_c_ends_a_script_of_the_shell(net: CommandLine, tmp_path: Path) -> None:
    process = start(tmp_path, "shell", "i")
    assert process.stdin is not None
    process.stdin.write(f"h1 sh -c '{SLEEP}; true'\nh1 echo not reached\n")
    process.stdin.flush()
    until(lambda: len(inside()) == 1)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said == ""
    assert not inside()
    net("down", "i", code=0)


def test_check_stops_with_130(net: CommandLine, tmp_path: Path) -> None:
    net("exec", "h1", "--", "ip", "link", "set", "h1-eth0", "down")
    net("link", "h2", "s1", "down", code=0)
    net("exec", "h1", "--", "ip", "address", "flush", "scope", "global", code=0)
    process = start(tmp_path, "check", "--timeout", "30")
    until(lambda: has_socket(process.pid))  # it asks
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=20)
    assert process.returncode == 130, words
    assert "stopped" in words
    net("down", "i", code=0)
