"""Fixtures that all tests share.

`privileged` tests need root; each works in a state directory of its own and is looked at afterwards:
whatever it left behind fails it. Tests that need the command line are `e2e`; some carry both marks.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import CommandLine
from support.lanes import in_order, is_alone, turn, works_on_the_kernel
from support.leaks import OF_TESTS, Watch, Whole

_CHECKED = ("privileged", "e2e")


_WHOLE = pytest.StashKey[Whole]()


def pytest_configure(config: pytest.Config) -> None:
    """Be the same however the tests are started: by a shell's background job, under sudo.

    Ctrl-C is taken as on a terminal: a shell starts background jobs with it ignored, and all they start.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SUDO_UID", "SUDO_GID", "SUDO_USER"):  # tests are root's own: pytest's folders are
        os.environ.pop(name, None)
    if os.environ.get("CI") and os.geteuid() == 0 and not hasattr(config, "workerinput"):
        config.stash[_WHOLE] = Whole()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without root, skip what needs it, and say so. Where two run at a time, sort them."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        in_order(items)
    if os.geteuid() == 0:
        return
    needs_root = pytest.mark.skip(reason="needs root: run the tests under sudo")
    for item in items:
        if item.get_closest_marker("privileged"):
            item.add_marker(needs_root)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    """Let a test run when it may; what its module set up is torn down in its turn, too."""
    with turn(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[Any]:
    """Fail a run that left anything behind, whichever test it was: run without workers, the test is named."""
    result = yield
    whole = session.config.stash.get(_WHOLE, None)
    if whole is not None and (found := whole.leaks()):
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        assert reporter is not None
        reporter.write_line("left behind by the run:\n" + "\n".join(found), red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return result


@pytest.fixture
def state_dir(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Make EMULATOR_STATE_DIR a folder that only this test uses; it doesn't exist yet.

    For tests of the kernel it is under /run, where the default is.
    """
    real = os.geteuid() == 0 and works_on_the_kernel(request.node.nodeid)
    home = Path(tempfile.mkdtemp(prefix=OF_TESTS.name, dir=OF_TESTS.parent)) if real else tmp_path
    path = home / "state"
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(path))
    yield path
    if path.exists():
        # a failed test: take down what it left; what `down` can't, stays to be looked at
        environment = os.environ | {"EMULATOR_STATE_DIR": str(path)}  # whatever the test did to it
        for words in (["down", "--all"], ["workers", "local", "--down"]):
            subprocess.run(
                [sys.executable, "-m", "emulator", *words],
                cwd=tmp_path, env=environment, check=False, capture_output=True,
            )  # fmt: skip
    if home != tmp_path and not path.exists():
        home.rmdir()


@pytest.fixture(autouse=True)
def leak_check(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a privileged or end-to-end test that leaves anything behind."""
    if not any(request.node.get_closest_marker(name) for name in _CHECKED):
        yield
        return
    watch = Watch(request.getfixturevalue("state_dir"), alone=is_alone(request.node))
    before = watch.look()
    yield
    found = watch.leaks(before)
    assert not found, "left behind:\n" + "\n".join(found)


@pytest.fixture
def cli(tmp_path: Path, state_dir: Path) -> CommandLine:
    """The command line, run in this test's own folder with its own state directory."""
    return CommandLine(tmp_path)
