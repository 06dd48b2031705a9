"""Local workers: life, what is killed, a partition, and what `--down` leaves: nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command import CommandLine
from support.dask_cluster import TESTS, until
from support.local_workers import names, processes

from emulator.carriers.local.record import LocalPaths, read_record
from emulator.carriers.opening import open_carrier
from emulator.carriers.protocol import Call

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]


def started_again(state: Path, words: str, workers: list[str]) -> Callable[[], bool]:
    """Kill the process with `words`; return the condition that another runs, and these workers are seen."""
    (pid,) = processes(state, words)
    os.kill(pid, signal.SIGKILL)
    return lambda: bool(found := processes(state, words)) and found != [pid] and set(workers) <= set(names())


def status(cli: CommandLine) -> tuple[int, dict[str, Any]]:
    done = cli("workers", "status", "--json")
    return done.returncode, json.loads(done.stdout)


def test_what_is_killed_or_cut_off_comes_back(
    cli: CommandLine, state_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    done = cli("workers", "local", "2", "--silence", "11")
    assert done.returncode == 0, done.stderr
    code, found = status(cli)
    assert code == 0
    assert [worker["name"] for worker in found["workers"]] == ["w1", "w2"]
    assert sum(worker["memory_bytes"] for worker in found["workers"]) < os.sysconf("SC_PHYS_PAGES") * 4096
    (supervisor,) = processes(state_dir, "local.supervisor")
    (scheduler,) = processes(state_dir, "workers scheduler")

    with open_carrier() as carrier:
        call = Call("w1", "support.carrier_functions:namespaces", own_process=True)
        value = carrier.call([call], 20)[0].answer
    assert value is not None
    own = {kind: Path(f"/proc/self/ns/{kind}").readlink().name for kind in ("net", "mnt")}
    assert value.value["mnt"] == own["mnt"]  # what it mounts must stay
    assert value.value["net"] not in {own["net"], Path(f"/proc/{scheduler}/ns/net").readlink().name}
    assert value.value["state"] == str(state_dir / ".workers" / "w1")

    for listener in listeners(scheduler):  # all that isn't loopback speaks TLS
        assert listener.startswith(("127.0.0.1:", "198.18.")), listener
    link(scheduler, "port1", "down")
    until(started_again(state_dir, "--name w2", ["w2"]))
    until(lambda: names() == ["w2"])
    code, found = status(cli)
    assert code == 1
    assert any("w1 isn't connected" in problem for problem in found["problems"])
    link(scheduler, "port1", "up")
    until(started_again(state_dir, "workers scheduler", ["w1", "w2"]))

    os.kill(supervisor, signal.SIGKILL)
    until(lambda: not processes(state_dir, "local.supervisor"))
    code, found = status(cli)
    assert (code, found["problems"][0][:24]) == (1, "the supervisor has ended")
    assert cli("workers", "local", "3").returncode == 2
    assert cli("workers", "local", "2").returncode == 0
    assert status(cli)[0] == 0

    # networks go down with their workers, even if all processes were killed
    (tmp_path / "n.yaml").write_text("name: n\ntopology: {generator: linear, k: 4}\n")
    two_clients(cli, state_dir, tmp_path, monkeypatch)
    for pid in processes(state_dir, ""):
        os.kill(pid, signal.SIGKILL)
    done = cli("workers", "local", "--down", code=0)
    assert "n goes down with its workers" in done.stderr
    assert not state_dir.exists()
    assert "no local workers were up" in cli("workers", "local", "--down").stdout


def two_clients(cli: CommandLine, state: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clients bring up networks at once; the network of one isn't the other's to make or remove."""
    (folder / "m.yaml").write_text("name: m\ntopology: {generator: linear, k: 4}\n")
    record = read_record(LocalPaths(state / ".workers"))
    assert record is not None
    words = [sys.executable, "-m", "emulator", "up", "n.yaml", "--engine", "cluster"]
    first = subprocess.Popen(words, cwd=folder, stderr=subprocess.DEVNULL)
    with monkeypatch.context() as other:
        other.setenv("EMULATOR_STATE_DIR", str(folder / "other"))
        other.setenv("EMULATOR_CLUSTER_SCHEDULER", str(record.scheduler))
        other.setenv("EMULATOR_CLUSTER_CERTIFICATES", str(state / ".workers" / "certificates"))
        cli("up", "m.yaml", "--engine", "cluster", code=0)
        assert first.wait(120) == 0
        refused = cli("up", "n.yaml", "--engine", "cluster", code=2).stderr
        for worker in ("w1", "w2"):
            assert f"{worker}: it has a network `n` of its own, made by another client" in refused
        assert "n was not up" in cli("down", "n", code=0).stdout
        cli("down", "m", code=0)
    cli("status", "n", code=0)


def listeners(pid: int) -> list[str]:
    words = ["nsenter", "-t", str(pid), "-n", "ss", "-Hltn"]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines
    return [line.split()[3] for line in lines]


def link(pid: int, name: str, state: str) -> None:
    subprocess.run(["nsenter", "-t", str(pid), "-n", "ip", "link", "set", name, state], check=True)


def test_a_command_killed_at_any_moment_leaves_nothing_after_down(cli: CommandLine, state_dir: Path) -> None:
    draw = random.Random(13)
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "emulator", "workers", "local", "2"], stderr=subprocess.DEVNULL
        )
        time.sleep(draw.uniform(0.3, 2.0))
        process.kill()
        process.wait()
        if draw.random() < 0.5:
            for pid in processes(state_dir, "local.supervisor"):
                os.kill(pid, signal.SIGKILL)
        done = cli("workers", "local", "--down")
        assert done.returncode == 0, done.stderr
        assert not state_dir.exists()
        assert not processes(state_dir, "")


def test_a_start_killed_at_once_leaves_no_lock(cli: CommandLine, state_dir: Path) -> None:
    state_dir.mkdir(mode=0o700)
    (state_dir / ".workers.lock").touch(mode=0o600)
    cli("workers", "local", "--down", code=0)
    assert not state_dir.exists()
