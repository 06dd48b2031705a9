"""Whatever is killed at whatever moment of `up`, `down` or `stress` on a cluster: all is whole or gone after.

EMULATOR_KILL_ROUNDS says how many moments are tried, EMULATOR_KILL_SEED which ones. Each is written to
standard error (`pytest -s`): what was killed, when, and what the commands said after it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.command import CommandLine
from support.dask_cluster import until
from support.lanes import is_alone
from support.leaks import Snapshot
from support.local_workers import look, names, processes

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

ROUNDS = int(os.environ.get("EMULATOR_KILL_ROUNDS", "2"))
SEED = int(os.environ.get("EMULATOR_KILL_SEED", "13"))
WORKERS = ("w1", "w2")
FILES = {
    "bridged": "topology: {generator: tree, depth: 2, fanout: 6}\n",
    "tenants": "forwarding: routed\ntopology: {generator: vpc, vpcs: 2, ports: 40, hosts: 12}\n",
}
SCENARIO = """\
name: shake
steps:
  - {action: port-flap, name: flap, target: {kind: host, count: 4}, rate: 6, down: 200 ms, duration: 2 s}
  - parallel:
      - {action: node-churn, name: churn, target: {kind: host, count: 2}, rate: 2, away: 300 ms,
         duration: 2 s}
      - {action: link-flap, name: known, target: {count: 4}, rate: 4, down: 300 ms, reroute: true,
         duration: 2 s}
      - {action: link-impair, name: slow, rate: 4, shape: {bandwidth: 10 Mbit}, impaired: 300 ms,
         duration: 2 s}
"""
BUILDER = "own_process_main"


class Cluster:
    """The local workers, and the client's command that is under way."""

    def __init__(self, cli: CommandLine, state: Path, folder: Path) -> None:
        self.cli, self.state, self.folder = cli, state, folder
        self.client: subprocess.Popen[str] | None = None
        self.seconds = {"stress": 6.0}  # how long each verb takes here: moments are drawn from it

    def measure(self) -> None:
        """Bring a network up and down once; what a first one makes for all is there afterwards."""
        for verb, word in (("up", "tenants.yaml"), ("down", "n")):
            began = time.monotonic()
            self.cli(verb, word, code=0)
            self.seconds[verb] = time.monotonic() - began

    def begin(self, *words: str) -> subprocess.Popen[str]:
        self.client = subprocess.Popen(
            [sys.executable, "-m", "emulator", *words], cwd=self.folder, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        return self.client

    def victims(self, kind: str, worker: str) -> list[int]:
        """Return the processes to kill."""
        assert self.client is not None
        if kind == "client":
            return [self.client.pid] if self.client.poll() is None else []
        if kind == "scheduler":
            return processes(self.state, "workers scheduler")
        own = processes(self.state, f"--name {worker} ")
        if kind == "worker":
            return own
        built = [pid for pid in processes(self.state, BUILDER) if _state(pid).endswith(f"/{worker}")]
        return built if kind == "builder" else [*own, *built]

    def kill(self, kind: str, worker: str) -> int:
        found = self.victims(kind, worker)
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(found)


def _state(pid: int) -> str:
    with suppress(OSError):
        for word in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if word.startswith(b"EMULATOR_STATE_DIR="):
                return word.decode()
    return ""


@pytest.fixture
def cluster(cli: CommandLine, state_dir: Path, tmp_path: Path) -> Iterator[Cluster]:
    for name, text in FILES.items():
        (tmp_path / f"{name}.yaml").write_text(f"name: n\nengine: cluster\n{text}")
    (tmp_path / "shake.yaml").write_text(SCENARIO)
    cli("workers", "local", str(len(WORKERS)), code=0)
    yield Cluster(cli, state_dir, tmp_path)
    cli("workers", "local", "--down", code=0)


def test_after_any_kill_all_is_whole_or_gone(
    cluster: Cluster, state_dir: Path, request: pytest.FixtureRequest
) -> None:
    draw = random.Random(SEED)
    alone = is_alone(request.node)
    cluster.measure()
    before = look(state_dir, WORKERS, alone=alone)
    for number in range(ROUNDS):
        one_round(cluster, draw, number)
        await_equal(lambda: look(state_dir, WORKERS, alone=alone), before)


def one_round(cluster: Cluster, draw: random.Random, number: int) -> None:
    """Kill something during a verb; workers return, `status` is true, and `down` cleans."""
    cli = cluster.cli
    verb, file = draw.choice(("up", "up", "down", "stress")), draw.choice(sorted(FILES))
    kind = draw.choice(("worker", "machine", "builder", "scheduler", "client"))
    worker, moment, again = (
        draw.choice(WORKERS),
        draw.uniform(0.2, cluster.seconds[verb]),
        draw.random() < 0.4,
    )
    if verb != "up":
        cli("up", f"{file}.yaml", code=0)
    words = {"up": ["up", f"{file}.yaml"], "down": ["down", "n"],
             "stress": ["stress", "shake.yaml", "--net", "n", "--seed", "1"]}[verb]  # fmt: skip
    client = cluster.begin(*words)
    end = time.monotonic() + moment
    while kind == "builder" and time.monotonic() < end + 3 and not cluster.victims(kind, worker):
        time.sleep(0.01)  # from when there is one
    time.sleep(draw.uniform(0, 0.6) if kind == "builder" else max(0.0, end - time.monotonic()))
    killed = cluster.kill(kind, worker)
    _, errors = client.communicate(timeout=200)
    log(f"{number}: {verb} {file}: {kind} {worker} at {moment:.2f} s, {killed} killed; "
        f"exit code {client.returncode}: {errors.strip()[-300:]!r}")  # fmt: skip
    assert "Traceback" not in errors, errors
    until(lambda: sorted(names()) == sorted(WORKERS))
    is_up = status_is_true(cluster, verb, client.returncode)
    if again and is_up is not None:
        up_again(cluster, file)
    elif again:
        cli("up", f"{file}.yaml", code=0)
        whole(cluster)
    done = cli("down", "n", timeout=200)
    log(f"  {'up again, then ' if again else ''}down: {done.returncode} {done.stderr.strip()[-200:]!r}")
    assert done.returncode == 0, done.stderr


def status_is_true(cluster: Cluster, verb: str, code: int) -> bool | None:
    """Return whether the network is whole, None if there is none; what the verb answered must fit."""
    there = "n" in {one["network"] for one in json.loads(cluster.cli("status", "--json").stdout)["networks"]}
    if not there:
        assert verb != "stress"
        assert (verb, code) != ("up", 0)
        return None
    done = cluster.cli("status", "n", "--json")
    assert "Traceback" not in done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["networks"][0]
    log(f"  status: {done.returncode} {found['problems']} {len(found['deviations'] or ())} deviations")
    assert done.returncode == 0 or found["problems"] or found["deviations"]
    if (verb, code) == ("up", 0):
        assert done.returncode == 0
    assert (verb, code) != ("down", 0)
    return done.returncode == 0


def up_again(cluster: Cluster, file: str) -> None:
    """`up` of what is whole, or was interrupted, makes it whole; or it says what comes first."""
    done = cluster.cli("up", f"{file}.yaml")
    if done.returncode:
        log(f"  up again: {done.returncode} {done.stderr.strip()[-300:]!r}")
        assert "down n" in done.stderr or "--recover" in done.stderr, done.stderr
        return
    whole(cluster)


def whole(cluster: Cluster) -> None:
    cluster.cli("status", "n", code=0)


def log(words: str) -> None:
    sys.stderr.write(words + "\n")


def await_equal(read: Callable[[], Snapshot], before: Snapshot, seconds: float = 20.0) -> None:
    """Fail with the differences if the machine isn't as before; the kernel destroys some things later."""
    deadline = time.monotonic() + seconds
    while True:
        now = read()
        found = {
            kind: {"new": sorted(now[kind] - before[kind]), "gone": sorted(before[kind] - now[kind])}
            for kind in before
            if now[kind] != before[kind]
        }
        if not found or time.monotonic() > deadline:
            assert not found
            return
        time.sleep(0.2)
