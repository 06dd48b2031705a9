"""Who runs beside whom in a whole run: real processes take turns, and the kernel says who waits."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from select import select

import pytest

_TESTS = Path(__file__).parents[2]
_KERNEL, _OTHER = "tests/privileged/test_x.py::test_x", "tests/unit/test_x.py::test_x"
_WORKER = """
import sys
from pathlib import Path
from types import SimpleNamespace
from support import lanes

lanes._GATE, lanes._MACHINE = Path(sys.argv[1]) / "gate", Path(sys.argv[1]) / "machine"
marked = sys.argv[3] == "alone"
with lanes.turn(SimpleNamespace(nodeid=sys.argv[2], get_closest_marker=lambda name: marked or None)):
    print("runs", flush=True)
    sys.stdin.readline()
print("is done", flush=True)
sys.stdin.readline()
"""


class Worker:
    """A process that runs one test: it begins when it may, and goes on until it is let go."""

    def __init__(self, folder: Path, kind: str, nodeid: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(folder), nodeid, kind],
            cwd=_TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def says(self, word: str) -> None:
        """Wait for what the process says next: `runs` inside its turn, `is done` after it."""
        assert self._process.stdout is not None
        assert select([self._process.stdout], [], [], 20)[0], "it says nothing"
        assert self._process.stdout.readline() == f"{word}\n"

    def waits(self) -> None:
        """Return once the kernel says that the process waits for a lock; fail when it never does."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            locks = [line.split() for line in Path("/proc/locks").read_text(encoding="utf-8").splitlines()]
            if any(lock[1:3] == ["->", "FLOCK"] and lock[5] == str(self._process.pid) for lock in locks):
                return
            time.sleep(0.01)
        pytest.fail("the process doesn't wait")

    def let_go(self) -> None:
        """End its turn."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.says("is done")

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.communicate()


Start = Callable[..., Worker]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    for name in ("gate", "machine"):
        (tmp_path / name).mkdir()
    with ExitStack() as stack:

        def started(kind: str = "beside", nodeid: str = _KERNEL) -> Worker:
            worker = Worker(tmp_path, kind, nodeid)
            stack.callback(worker.end)
            return worker

        yield started


def test_two_tests_of_the_kernel_run_at_a_time(start: Start) -> None:
    for worker in (start(), start()):
        worker.says("runs")  # both inside their turns: neither was let go


@pytest.mark.parametrize(("first", "second"), [("alone", "beside"), ("beside", "alone"), ("alone", "alone")])
def test_one_that_is_alone_overlaps_no_other_of_the_kernel(start: Start, first: str, second: str) -> None:
    one = start(first)
    one.says("runs")
    two = start(second)
    two.waits()
    one.let_go()
    two.says("runs")


def test_one_that_wants_to_be_alone_is_not_overtaken(start: Start) -> None:
    one = start()
    one.says("runs")
    alone = start("alone")
    alone.waits()
    late = start()
    late.waits()
    one.let_go()
    alone.says("runs")
    late.waits()
    alone.let_go()
    late.says("runs")


def test_others_wait_for_one_that_is_alone_too(start: Start) -> None:
    one = start("alone")
    one.says("runs")
    other = start("beside", _OTHER)
    other.waits()
    one.let_go()
    other.says("runs")


def test_one_that_was_killed_holds_nobody_up(start: Start) -> None:
    one = start("alone")
    one.says("runs")
    two = start()
    two.waits()
    one.end()
    two.says("runs")
