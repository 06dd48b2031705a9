"""Killed at any moment, nothing is left after `down`."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.command import CommandLine
from support.threads import FIRST_THREAD_ENDS

from emulator.linux.processes.running import stat

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

FILE = "name: k\ntopology: {generator: linear, k: 10, hosts_per_switch: 19}\n"  # 200 nodes


def start(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "emulator", *words]
    return subprocess.Popen(argv, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def seconds(folder: Path, *words: str) -> float:
    begin = time.monotonic()
    assert start(folder, *words).wait(60) == 0
    return time.monotonic() - begin


def kill_within(folder: Path, least: float, most: float, *words: str) -> None:
    process = start(folder, *words)
    try:
        process.wait(random.uniform(least, most))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def assert_nothing_left(state: Path) -> None:
    assert not state.exists(), list(state.iterdir())
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    assert str(state) not in mounts


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_kill_up_or_down_at_random_moments(
    seed: int, tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    """Five kills each of ten seeds: 50 moments over the whole of `up`, half of them also of `down`."""
    (tmp_path / "k.yaml").write_text(FILE)
    random.seed(seed)
    up, down = seconds(tmp_path, "up", "k.yaml"), seconds(tmp_path, "down", "k")
    for number in range(5):
        kill_within(tmp_path, 0.1, up * 1.05, "up", "k.yaml")
        if number % 2:
            kill_within(tmp_path, 0.1, down * 1.05, "down", "k")
        cli("down", "k", code=0)
        cli("down", "k", code=0)
        cli("down", "--all", code=0)
        assert_nothing_left(state_dir)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_rolls_back(number: signal.Signals, tmp_path: Path, state_dir: Path) -> None:
    (tmp_path / "k.yaml").write_text("name: k\ntopology: {generator: linear, k: 40, hosts_per_switch: 49}\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "emulator", "up", "k.yaml"], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 20
    while not (state_dir / ".mounts" / "k").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    process.send_signal(number)
    _, words = process.communicate(timeout=60)
    assert process.returncode == 4
    assert f"stopped by {number.name}" in words
    assert_nothing_left(state_dir)


def test_up_after_a_killed_up_starts_afresh(tmp_path: Path, cli: CommandLine) -> None:
    (tmp_path / "k.yaml").write_text(FILE)
    process = start(tmp_path, "up", "k.yaml")
    time.sleep(0.35)
    process.kill()
    process.wait()
    cli("up", "k.yaml", code=0)
    assert cli.json("check", "k", "--sample", "100")["unexpected"] == []
    cli("down", "k", code=0)


def test_a_damaged_record_does_not_stop_down(tmp_path: Path, state_dir: Path, cli: CommandLine) -> None:
    (tmp_path / "k.yaml").write_text("name: k\ntopology: {generator: single, hosts: 3}\n")
    cli("up", "k.yaml", code=0)
    (state_dir / "k" / "record.json").write_text("{half")
    assert "emulator down k" in cli("status", "k", code=1).stdout
    cli("down", "k", code=0)
    assert_nothing_left(state_dir)


def test_processes_inside_end_with_the_network_and_others_do_not(tmp_path: Path, cli: CommandLine) -> None:
    (tmp_path / "k.yaml").write_text("name: k\ntopology: {generator: single, hosts: 2}\n")
    cli("up", "k.yaml", code=0)
    outside = subprocess.Popen(["sleep", "300"])
    inside = cli("exec", "h1", "--", "sh", "-c", "setsid sleep 300 >/dev/null 2>&1 & echo $!", code=0)
    pid = int(inside.stdout)
    assert Path(f"/proc/{pid}").exists()
    cli("down", "k", code=0)
    assert not Path(f"/proc/{pid}/ns").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()
    assert outside.poll() is None
    outside.kill()
    outside.wait()


def test_a_process_whose_first_thread_has_ended_ends_with_the_network(
    tmp_path: Path, cli: CommandLine
) -> None:
    (tmp_path / "k.yaml").write_text("name: k\ntopology: {generator: single, hosts: 1}\n")
    (tmp_path / "program.py").write_text(FIRST_THREAD_ENDS)
    cli("up", "k.yaml", code=0)
    log = tmp_path / "log"
    start = f"setsid {sys.executable} {tmp_path}/program.py > {log} 2>&1 & echo $!"
    pid = int(cli("exec", "h1", "--", "sh", "-c", start, code=0).stdout)
    deadline = time.monotonic() + 20
    while not ((found := stat(pid)) and found.state == "Z") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert found, log.read_text()
    assert found.state == "Z"
    assert not found.ended, log.read_text()
    cli("down", "k", code=0)
    last = stat(pid)
    assert last is None or last.ended


@pytest.mark.parametrize("damage", ["graph", "nodes", "pin"])
def test_up_and_down_work_on_what_somebody_damaged(
    damage: str, tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    (tmp_path / "k.yaml").write_text("name: k\ntopology: {generator: single, hosts: 3}\n")
    cli("up", "k.yaml", code=0)
    pin = state_dir / ".mounts" / "k"
    if damage == "graph":
        (state_dir / "k" / "topology.npz").write_bytes(b"garbage")
    elif damage == "nodes":
        (state_dir / "k" / "ns").rmdir()
    else:
        subprocess.run(["umount", "-l", pin], check=True)
        pin.unlink()
        pin.mkdir()
    assert "bug in the emulator" not in cli("exec", "h1", "--", "true", code=4).stderr
    cli("up", "k.yaml", code=0)
    assert cli.json("check", "k")["unexpected"] == []
    cli("down", "k", code=0)
    assert_nothing_left(state_dir)


def test_what_was_started_inside_ends_even_in_namespaces_of_its_own(tmp_path: Path, cli: CommandLine) -> None:
    (tmp_path / "k.yaml").write_text("name: k\ntopology: {generator: single, hosts: 2}\n")
    cli("up", "k.yaml", code=0)
    script = "setsid unshare --net --mount sleep 300 >/dev/null 2>&1 3</proc/self/ns/net & echo $!; sleep 0.5"
    pid = int(cli("exec", "h1", "--", "sh", "-c", script, code=0).stdout)
    assert Path(f"/proc/{pid}/ns/net").exists()
    cli("down", "k", code=0)
    assert not Path(f"/proc/{pid}/ns").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text()


def test_a_namespace_that_was_half_made_when_a_command_was_killed_is_made_again(
    tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    """Between two calls, a namespace's file is an empty regular file: not bound yet, or not any more."""
    (tmp_path / "k.yaml").write_text("name: k\ntopology: {generator: single, hosts: 3}\n")
    cli("up", "k.yaml", code=0)
    path = state_dir / "k" / "ns" / "h2"
    pin = state_dir / ".mounts" / "k"
    subprocess.run(["nsenter", f"--mount={pin}", "umount", "-l", path], check=True)
    kind = ["nsenter", f"--mount={pin}", "stat", "-c", "%F", path]
    assert subprocess.run(kind, check=True, capture_output=True, text=True).stdout == "regular empty file\n"
    said = cli.json("status", "k", code=1)["networks"][0]
    assert said["problems"] == ["1 node is missing"]
    assert {"node h2"} <= {one["object"] for one in said["deviations"]}
    assert "h2" in cli("up", "k.yaml", code=0).stdout
    assert cli.json("check", "k")["unexpected"] == []
    cli("down", "k", code=0)
    assert_nothing_left(state_dir)
