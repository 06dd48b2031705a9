"""A service under its supervisor, with processes of this machine instead of nodes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from emulator.errors import UnableError
from emulator.services.control import _is_broken
from emulator.services.folder import (
    DONE,
    ENDED,
    FAILED,
    READY,
    RESTARTING,
    STARTING,
    WAITING,
    ServiceFolder,
)
from emulator.services.service_run import ServiceRun
from emulator.services.wanted import Wanted
from topologies.services import Ready, Service

SLEEP = (sys.executable, "-c", "import time; time.sleep(60)")
LISTENS = (
    sys.executable, "-c",
    "import socket, time; s = socket.create_server(('127.0.0.1', int({port}))); time.sleep(60)",
)  # fmt: skip
SAYS = "import os, socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);"
SAYS += (
    "s.sendto(b'STATUS=x\\nREADY=1', '\\0' + os.environ['NOTIFY_SOCKET'][1:]); import time; time.sleep(60)"
)


class Here:
    """Starts services beside the test."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[bytes]] = []
        self.gone = False

    def start(
        self, wanted: Wanted, argv: Sequence[str], log: Path | None, notify: str
    ) -> subprocess.Popen[bytes]:
        if argv[0] == "missing":
            raise UnableError(f"can't run `missing` in {wanted.node_name}")
        with (log or Path(os.devnull)).open("ab") as file:
            own = {"NOTIFY_SOCKET": f"@{notify}"} if notify else {}
            child = subprocess.Popen(
                argv, stdout=file, stderr=file, start_new_session=True, env=os.environ | own
            )
        self.started.append(child)
        return child

    def listener(self, wanted: Wanted, address: str) -> socket.socket:
        del wanted
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        opened.setblocking(False)  # noqa: FBT003 -- of the library
        opened.bind(f"\0{address}")
        return opened

    def address(self, wanted: Wanted) -> str:
        del wanted
        return ""

    def namespaces(self, services: Sequence[Wanted]) -> list[int]:
        return [0 if self.gone else Path("/proc/self/ns/net").stat().st_ino for _ in services]


@pytest.fixture
def here() -> Iterator[Here]:
    made = Here()
    yield made
    for child in made.started:
        child.kill()
        child.wait()


@pytest.fixture
def run_of(here: Here, tmp_path: Path) -> Callable[..., ServiceRun]:
    def make(command: Sequence[str], **keys: object) -> ServiceRun:
        service = Service("web", tuple(command), **keys)  # type: ignore[arg-type]
        return ServiceRun(Wanted(0, "h1", service, "d"), ServiceFolder(tmp_path), here)

    return make


def lead(run: ServiceRun, until: Callable[[], bool], within: float = 20) -> None:
    """Lead a service until something holds, or `within` seconds are over."""
    end = time.monotonic() + within
    while not until() and time.monotonic() < end:
        run.step(time.monotonic(), may_start=True)
        time.sleep(0.005)
    assert until(), run.status.words


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_waits_for_its_predecessor(run_of: Callable[..., ServiceRun], here: Here) -> None:
    run = run_of(SLEEP)
    run.step(time.monotonic(), may_start=False)
    assert run.status.state == WAITING
    assert not here.started


def test_waits_for_a_node_that_is_away(run_of: Callable[..., ServiceRun], here: Here) -> None:
    run = run_of(SLEEP)
    here.gone = True
    for second in range(9):
        run.step(float(second), may_start=True)
    assert (run.status.state, run.status.restarts, here.started) == (WAITING, 0, [])
    here.gone = False
    run.step(10.0, may_start=True)
    assert len(here.started) == 1
    run.end()


@pytest.mark.parametrize("sign", ["none", "port", "output", "command", "notify"])
def test_is_ready_at_its_sign(run_of: Callable[..., ServiceRun], sign: str, tmp_path: Path) -> None:
    port = free_port()
    command, ready = {
        "none": (SLEEP, Ready()),
        "port": ([word.replace("{port}", str(port)) for word in LISTENS], Ready(port=port)),
        "output": ([sys.executable, "-uc", "print('I serve now'); import time; time.sleep(60)"],
                   Ready(output="serve")),
        "command": ([sys.executable, "-c", f"open('{tmp_path}/x', 'w'); import time; time.sleep(60)"],
                    Ready(command=("test", "-e", f"{tmp_path}/x"))),
        "notify": ([sys.executable, "-c", SAYS], Ready(notify=True)),
    }[sign]  # fmt: skip
    run = run_of(command, ready=ready)
    lead(run, lambda: run.status.state == READY)
    assert run.passed
    assert run.status.process is not None
    assert run.status.process.running
    run.end()
    assert not run.status.process.running


def test_one_that_never_gives_its_sign_is_ended(run_of: Callable[..., ServiceRun], here: Here) -> None:
    run = run_of(SLEEP, ready=Ready(output="never"), restart="never")
    run.step(0.0, may_start=True)
    run.step(29.0, may_start=True)
    assert here.started[0].poll() is None
    run.step(31.0, may_start=True)
    assert run.status.words == "failed: it wasn't ready after 30 s"
    assert here.started[0].wait(5) == -signal.SIGTERM


def test_who_was_late_is_started_again_but_up_waits_no_longer(run_of: Callable[..., ServiceRun]) -> None:
    run = run_of(SLEEP, ready=Ready(output="never"), restart="on-failure")
    run.step(0.0, may_start=True)
    assert not _is_broken(run.status)
    run.step(31.0, may_start=True)
    assert (run.status.state, run.status.late) == (RESTARTING, True)
    assert _is_broken(run.status)
    run.step(32.0, may_start=True)
    assert (run.status.state, run.status.late) == (STARTING, False)
    run.end()


@pytest.mark.parametrize(
    ("code", "restart", "state"),
    [(0, "never", ENDED), (3, "never", FAILED), (0, "on-failure", ENDED), (3, "on-failure", RESTARTING),
     (0, "always", RESTARTING)],
)  # fmt: skip
def test_restarts_as_the_file_says(
    run_of: Callable[..., ServiceRun], code: int, restart: str, state: str, here: Here
) -> None:
    run = run_of(("sh", "-c", f"exit {code}"), restart=restart)
    lead(run, lambda: run.status.state == state)
    assert run.status.reason == f"exit code {code}"
    lead(run, lambda: len(here.started) == (3 if state == RESTARTING else 1))
    assert run.status.restarts == (0 if state != RESTARTING else 2)


def test_pauses_grow_between_restarts(run_of: Callable[..., ServiceRun]) -> None:
    run = run_of(("missing",))
    pauses, now = [], 0.0
    for _ in range(9):
        run.step(now, may_start=True)
        pauses.append(round(run.pause, 3))
        now += run.pause + 0.001
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10, 10]
    assert "can't run `missing` in h1" in run.status.reason


def test_a_command_that_runs_once(run_of: Callable[..., ServiceRun], here: Here) -> None:
    done, failed = run_of(("true",), once=True), run_of(("sh", "-c", "kill -9 $$"), once=True)
    lead(done, lambda: done.status.state == DONE)
    lead(failed, lambda: failed.status.state == FAILED)
    assert failed.status.reason == "signal SIGKILL"
    assert len(here.started) == 2
    assert done.passed
    assert not failed.passed


def test_another_supervisor_goes_on_with_a_running_service(
    run_of: Callable[..., ServiceRun], here: Here
) -> None:
    first = run_of(SLEEP)
    lead(first, lambda: first.status.state == READY)
    second = run_of(SLEEP)
    second.adopt(first.status)
    second.step(time.monotonic(), may_start=True)
    assert (second.status.state, len(here.started)) == (READY, 1)
    waiting = threading.Thread(target=here.started[0].wait)
    waiting.start()
    here.started[0].kill()
    waiting.join()
    lead(second, lambda: len(here.started) == 2 and second.status.state == READY)


def test_a_half_started_one_of_another_supervisor_begins_again(
    run_of: Callable[..., ServiceRun], here: Here
) -> None:
    first = run_of(SLEEP, ready=Ready(output="never"))
    first.step(time.monotonic(), may_start=True)
    threading.Thread(target=here.started[0].wait).start()
    second = run_of(SLEEP, ready=Ready(output="never"))
    second.adopt(first.status)
    assert second.status.state == WAITING
    assert here.started[0].wait(5) == -signal.SIGTERM


def test_the_folder_keeps_what_is_said(run_of: Callable[..., ServiceRun], tmp_path: Path) -> None:
    run, folder = run_of(("true",), once=True), ServiceFolder(tmp_path)
    (tmp_path / "services").mkdir()
    lead(run, lambda: run.status.state == DONE)
    folder.write(7, [run.status, replace(run.status, state=FAILED, process=None)])
    assert folder.read() == (7, [run.status, replace(run.status, state=FAILED, process=None)])
    (folder.path / "status.json").write_text("{")
    assert folder.read() == (0, [])
    assert [folder.request(), folder.request(), folder.requested()] == [1, 2, 2]
