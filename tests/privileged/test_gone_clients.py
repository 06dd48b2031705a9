"""Clients of engines on workers that are killed, over the stand-ins: their commands end on the workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support.command import CommandLine
from support.stand_ins import LABORATORIES

from emulator.linux.machine.mininet import mininet_version

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]
FILE = "name: t\nengine: %s\ntopology: {generator: tree, depth: 2, fanout: 2}\n"


_IN_THIS_PROCESS = {"cluster"}
"""Laboratories that other processes, such as a command line, can't use."""


@pytest.fixture(params=sorted(LABORATORIES.keys() - _IN_THIS_PROCESS))
def up(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: CommandLine
) -> Iterator[str]:
    """Name of an engine on which the network `t` is up."""
    engine: str = request.param
    if engine == "maxinet" and mininet_version() is None:
        pytest.skip("Mininet is missing: apt install mininet")
    folder = tmp_path / "laboratory"
    folder.mkdir()
    with LABORATORIES[engine](folder) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        (cli.folder / "t.yaml").write_text(FILE % engine)
        cli("up", "t.yaml", code=0)
        yield engine
        cli("down", "--all")


def running(program: str) -> list[int]:
    """Return the processes with `program` as their command line, as /proc shows them."""
    out = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(ProcessLookupError, FileNotFoundError):
            if path.read_bytes().replace(b"\0", b" ").strip() == program.encode():
                out.append(int(path.parent.name))
    return out


def within(seconds: float, ready: Callable[[], object]) -> bool:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def executing(cli: CommandLine, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `emulator exec` on nodes that match a pattern: the driver runs their commands."""
    process = subprocess.Popen(
        [sys.executable, "-m", "emulator", "exec", *words], cwd=cli.folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_command_ends_with_its_client_and_what_is_left_with_the_network(up: str, cli: CommandLine) -> None:
    number = 300_000 + os.getpid()  # in the arguments of this test's commands only
    ours, others, left = (f"sleep {number}.{at}" for at in range(3))
    script = f"setsid {left} >/dev/null 2>&1 & echo begun; exit 3"
    assert cli("exec", "h[4]", "--", "sh", "-c", script, code=3).stdout == "h4: begun\n"
    with executing(cli, "h[1]", "--", *others.split()):
        for kind in (signal.SIGKILL, signal.SIGINT):
            with executing(cli, "[hs][123]", "--", *ours.split()) as client:
                assert within(20, lambda: len(running(ours)) == 6), up
                client.send_signal(kind)
                assert within(10, lambda: not running(ours)), kind
        assert len(running(others)) == len(running(left)) == 1
        said = cli("exec", "[hs][123]", "--", "sh", "-c", "echo there; exit 7", code=7)
        assert said.stdout.count(": there\n") == 6
        cli("down", "t", code=0)
        assert running(others) == running(left) == []
