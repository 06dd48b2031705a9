"""Two tests at a time in a whole run: rules for parallel tests, and for checks of the whole machine.

A test of the kernel leaves other networks alone, and its leaks are searched by its own state directory. A
test marked `alone` reads or changes settings of the machine, or measures its speed: no other test runs
meanwhile. These tests come first, because networks that live as long as a module would disturb them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_KERNEL = ("tests/privileged/", "tests/e2e/", "tests/conformance/", "tests/engines_real/")
_GATE, _MACHINE = Path(__file__).parent, Path(__file__).parent.parent
"""Folders used as locks: all workers of a run have them, and nothing needs to be written."""
_ONE_OF_MANY = "PYTEST_XDIST_WORKER"


def works_on_the_kernel(nodeid: str) -> bool:
    """Return whether a test, by its pytest name, may create objects in the kernel and under /run."""
    return nodeid.startswith(_KERNEL)


def is_alone(node: pytest.Item | pytest.Collector) -> bool:
    """Return whether everything new on the machine comes from this test: only where CI is set."""
    by_itself = _ONE_OF_MANY not in os.environ or node.get_closest_marker("alone") is not None
    return bool(os.environ.get("CI")) and works_on_the_kernel(node.nodeid) and by_itself


def in_order(items: list[pytest.Item]) -> None:
    """Sort tests: those that run alone, then others of the kernel, then the rest, whose end is given away."""
    items.sort(
        key=lambda item: (item.get_closest_marker("alone") is None, not works_on_the_kernel(item.nodeid))
    )


@contextmanager
def turn(item: pytest.Item) -> Iterator[None]:
    """Wait until a test may run beside the running ones; all wait at the gate for one that runs alone."""
    alone = item.get_closest_marker("alone") is not None
    with _opened(_GATE) as gate, _opened(_MACHINE) as machine:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(machine, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """Open a folder; child processes don't inherit the lock."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
