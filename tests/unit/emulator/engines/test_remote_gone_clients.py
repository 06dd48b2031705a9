"""Clients of engines on workers that are killed, over the toy program: what goes on, and what doesn't."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.engine_options import engine_plan
from emulator.state import NetworkState, state_root
from tests.support.remote_toy import toy_engine
from topologies.build import build
from topologies.spec.load import load_text

ROOT = Path(__file__).parents[4]
TEXT = (
    f"name: far\nengine: {{name: distrinet, python: {sys.executable}, home: /, workers: [w1, w2]}}\n"
    "topology: {generator: single, hosts: 40}\n"
)
UP = """
import sys
from pathlib import Path
from emulator.engine_options import engine_plan
from tests.support.remote_toy import toy_engine
from topologies.build import build
from topologies.spec.load import load_text

folder, left, text = sys.argv[1:]
found = load_text(text)
engine = toy_engine(Path(folder), {"TOY_LEFT": left, "TOY_SECONDS_A_NODE": "0.05"})()
engine.deploy(engine_plan(found, build(found), "distrinet"))
"""


def within(seconds: float, ready: Callable[[], object]) -> bool:
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_killed_up_ends_soon_and_down_removes_what_it_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    left = tmp_path / "left"
    left.write_text("[]")

    def made() -> int:
        return len(json.loads(left.read_text() or "[]"))

    (tmp_path / "up").mkdir()
    up = subprocess.Popen([sys.executable, "-c", UP, str(tmp_path / "up"), str(left), TEXT], cwd=ROOT)
    try:
        assert within(30, lambda: made() > 3)
    finally:
        up.kill()
        up.wait()
    time.sleep(0.5)
    stopped = made()
    assert 3 < stopped < 41
    time.sleep(0.5)
    assert made() == stopped
    state = NetworkState(state_root(), "far")
    driver = state.read().options["driver"]["pid"]
    assert Path(f"/proc/{driver}").exists()  # it holds the workers
    (tmp_path / "down").mkdir()
    engine = toy_engine(tmp_path / "down", {"TOY_LEFT": str(left)})()
    engine.take_down("far")
    assert made() == 0
    assert not state.exists
    assert within(5, lambda: not Path(f"/proc/{driver}").exists())


@pytest.mark.parametrize("terminal", [False, True])
def test_a_killed_exec_ends_its_commands(
    terminal: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    left = tmp_path / "left"
    left.write_text("[]")
    found = load_text(TEXT)
    engine = toy_engine(tmp_path, {"TOY_LEFT": str(left)})()
    network = engine.deploy(engine_plan(found, build(found), "distrinet"))
    pids = tmp_path / "pids"
    try:
        client = os.fork()
        if client == 0:
            try:
                argv = ["env", "sh", "-c", f"echo $$ > {pids}; exec sleep 300"]
                network.access.interact(0, argv) if terminal else network.access.execute([0], argv)
            finally:
                os._exit(1)
        assert within(10, lambda: pids.exists() and pids.read_text())
        (running,) = pids.read_text().split()
        os.kill(client, signal.SIGKILL)
        os.waitpid(client, 0)
        assert within(5, lambda: not Path(f"/proc/{running}").exists())
        assert network.driver.alive
    finally:
        engine.take_down("far")
