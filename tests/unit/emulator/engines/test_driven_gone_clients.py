"""What a driver does when its client goes away: it ends what nobody waits for, and finishes the rest."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from emulator.engines.driven.client import Driver
from emulator.engines.driven.launch import DriverPaths, DriverProcess, Recipe, start
from emulator.engines.driven.serving.deadline import DeadlineError, deadline
from emulator.engines.driven.serving.jobs import end_script, job_mark, marked, owner_mark

PROGRAM = """
import os, subprocess, time
from serving.server import Program, serve

class Steps:
    def __init__(self):
        self.grown = 0

    def look(self, progress):
        return self.grown

    def grow(self, progress, parts):
        for done in range(parts):
            progress("parts", done, parts)
            self.grown += 1
            time.sleep(0.02)

    def stick(self, progress, seconds):
        progress("sticks", 0, 1)
        with progress.interruptible():
            time.sleep(seconds)

    def hold(self, progress):
        process = subprocess.Popen(["sleep", "300"])
        with progress.when_gone(process.terminate):
            progress("holds", process.pid, 1)
            return process.wait()

class Toy(Program):
    title = "toy"
    beside = frozenset({"hold"})
    abandonable = frozenset({"grow", "stick"})
    passing = frozenset({"look"})

def main(descriptor):
    serve(descriptor, lambda: Toy(Steps()), float(os.environ["TOY_IDLE"]))
"""

Started = Callable[..., tuple[Driver, DriverPaths, DriverProcess]]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Started]:
    """Function that starts the toy, which ends when idle for the given seconds."""
    folder = tmp_path / "toy_driver"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "main.py").write_text(PROGRAM)
    made: list[int] = []

    def run(idle: float = 60) -> tuple[Driver, DriverPaths, DriverProcess]:
        paths = DriverPaths(tmp_path / f"toy{len(made)}")
        process = start(Recipe(sys.executable, folder, {"TOY_IDLE": str(idle)}), paths)
        made.append(process.pid)
        return Driver("n", "toy", paths, process), paths, process

    yield run
    for pid in made:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


class Client:
    """A client that goes away without waiting for its answer."""

    def __init__(self, paths: DriverPaths, *steps: tuple[str, dict[str, Any]]) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(paths.socket))
        self.socket.sendall(json.dumps({"do": steps, "seconds": 30}).encode() + b"\n")
        self._lines = self.socket.makefile("rb")

    def line(self) -> dict[str, Any]:
        """Return the next line of the driver."""
        found: dict[str, Any] = json.loads(self._lines.readline())
        return found

    def goes(self) -> None:
        self._lines.close()
        self.socket.close()


def within(seconds: float, ready: Callable[[], object]) -> bool:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_command_ends_with_its_client_and_those_of_others_go_on(started: Started) -> None:
    _, paths, _ = started()
    clients = [Client(paths, ("hold", {})) for _ in range(8)]
    pids = [client.line()["progress"][1] for client in clients]
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    for client in clients[:4]:
        client.goes()
    assert within(5, lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids[:4]))
    assert all(Path(f"/proc/{pid}").exists() for pid in pids[4:])
    os.kill(pids[4], signal.SIGTERM)
    assert clients[4].line() == {"ok": [-signal.SIGTERM]}
    for client in clients[4:]:
        client.goes()


def test_a_creation_ends_between_two_parts_when_its_client_goes(started: Started) -> None:
    driver, paths, _ = started()
    client = Client(paths, ("grow", {"parts": 500}))
    client.line()
    client.goes()
    began = time.monotonic()
    (grown,) = driver.ask(("look", {}))
    assert 0 < grown < 100
    assert time.monotonic() - began < 3
    assert "the client has gone away" in paths.log.read_text()


def test_a_request_that_is_finished_in_any_case_is(started: Started) -> None:
    driver, paths, _ = started()
    client = Client(paths, ("grow", {"parts": 20}), ("look", {}))
    client.line()
    client.goes()
    assert driver.ask(("look", {})) == [20]


def test_a_creation_that_waits_for_its_turn_is_not_begun_for_a_client_that_has_gone(started: Started) -> None:
    driver, paths, _ = started()
    first = Client(paths, ("grow", {"parts": 20}), ("look", {}))
    first.line()
    Client(paths, ("grow", {"parts": 500})).goes()
    assert first.socket.fileno() >= 0
    assert driver.ask(("look", {})) == [20]
    first.goes()


def test_a_call_without_progress_is_interrupted(started: Started) -> None:
    driver, paths, _ = started()
    client = Client(paths, ("stick", {"seconds": 60}))
    client.line()
    began = time.monotonic()
    client.goes()
    assert driver.ask(("look", {})) == [0]
    assert time.monotonic() - began < 5
    assert driver.ask(("grow", {"parts": 1}), ("look", {})) == [None, 1]  # the alarm has gone off once


def wait_until_alarmed(seconds: float) -> None:
    """Wait under a time limit that another thread ends just now."""
    begins = threading.Event()
    with deadline(60) as limit:
        alarm = threading.Thread(target=lambda: (begins.wait(), limit.now()))
        alarm.start()
        try:
            begins.set()
            time.sleep(seconds)
        finally:
            alarm.join()


def test_an_alarm_that_comes_just_before_a_wait_ends_it_too() -> None:
    for _ in range(30):
        began = time.monotonic()
        with pytest.raises(DeadlineError):
            wait_until_alarmed(20)
        assert time.monotonic() - began < 10


def test_a_client_that_only_sends_nothing_more_is_there(started: Started) -> None:
    _, paths, _ = started()
    client = Client(paths, ("grow", {"parts": 30}))
    client.socket.shutdown(socket.SHUT_WR)
    while "progress" in (said := client.line()):
        pass
    assert said == {"ok": [None]}
    client.goes()


def test_a_driver_that_nobody_asks_ends_unless_it_holds_something(started: Started) -> None:
    _, paths, unasked = started(0.5)
    assert within(10, lambda: not unasked.alive)
    assert "nobody has asked for anything in 0.5 s" in paths.log.read_text()
    passed, _, passing = started(0.5)
    assert passed.ask(("look", {})) == [0]
    assert within(10, lambda: not passing.alive)
    holder, _, holding = started(0.5)
    holder.ask(("grow", {"parts": 1}))
    time.sleep(1.5)
    assert holding.alive
    assert holder.ask(("look", {})) == [1]


def running(program: str) -> list[int]:
    """Return the processes with `program` as their command line."""
    out = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(ProcessLookupError, FileNotFoundError):
            if path.read_bytes().replace(b"\0", b" ").strip() == program.encode():
                out.append(int(path.parent.name))
    return out


def test_marked_commands_are_ended_whatever_they_do_and_no_others() -> None:
    mark, other = job_mark("a network"), job_mark("a network")
    number = 300_000 + os.getpid()  # in the arguments of this test's commands only
    first, stubborn, apart, cleared, foreign, plain = (f"sleep {number}.{at}" for at in range(6))
    scripts = {
        mark: [
            first, f"sh -c \"trap '' TERM; {stubborn} & while :; do sleep 0.1; done\"", f"setsid {apart}",
            f"sh -c 'env -i {cleared} & wait'",
        ],
        other: [foreign],
    }  # fmt: skip
    started = [
        subprocess.Popen(["sh", "-c", marked(of, script)]) for of, some in scripts.items() for script in some
    ]
    started.append(subprocess.Popen(plain.split()))
    try:
        every = (first, stubborn, apart, cleared, foreign, plain)
        assert within(10, lambda: all(map(running, every)))
        subprocess.run(["sh", "-c", end_script(mark)], check=True, timeout=20)
        for process in started[:4]:
            process.wait(5)
        assert within(5, lambda: [program for program in every if running(program)] == [foreign, plain])
        subprocess.run(["sh", "-c", end_script(owner_mark("a network"))], check=True, timeout=20)
        assert within(5, lambda: [program for program in every if running(program)] == [plain])
    finally:
        for pid in [pid for program in every for pid in running(program)]:
            os.kill(pid, signal.SIGKILL)
        for process in started:
            process.kill()
            process.wait()
