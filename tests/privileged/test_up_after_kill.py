"""`up` of a network that a stress run was killed on, and of one that must be made anew: what ends is said."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

needs_ovs = pytest.mark.skipif(shutil.which("ovs-vswitchd") is None, reason="openvswitch-switch is missing")
needs_mininet = pytest.mark.skipif(shutil.which("mnexec") is None, reason="mininet is missing")
ENGINES = ["netns", pytest.param("mininet", marks=needs_mininet)]

NET = "name: m\ntopology: {generator: tree, depth: 2, fanout: 2}\n"
SHAKE = """\
name: x
steps:
  - parallel:
      - {action: port-churn, target: host, rate: 3, away: 2 s, duration: 60 s}
      - {action: link-flap, target: host, reroute: true, rate: 3, down: 2 s, duration: 60 s}
"""


class Sleeper:
    """A process of a user's in h1, and the namespace that it is in: /proc tells of both."""

    def __init__(self, cli: CommandLine) -> None:
        words = "setsid sleep 4719 >/dev/null 2>&1 </dev/null & echo $!"
        self._place = Path("/proc", cli("exec", "h1", "--", "sh", "-c", words, code=0).stdout.strip())
        self.namespace = str((self._place / "ns" / "net").readlink())

    @property
    def lives(self) -> bool:
        try:
            return b"4719" in (self._place / "cmdline").read_bytes()
        except OSError:
            return False


def shaken_and_killed(folder: Path, journal: Path) -> None:
    """Run the stress scenario on m, and kill it with signal 9 while links are cut."""
    (folder / "s.yaml").write_text(SHAKE)
    words = [sys.executable, "-m", "stress", "s.yaml", "--net", "m"]
    with subprocess.Popen(words, cwd=folder, stderr=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + 30
        while not (journal.exists() and json.loads(journal.read_text())["links"]):
            assert time.monotonic() < deadline
            assert run.poll() is None
            time.sleep(0.02)
        time.sleep(1)
        run.kill()


@pytest.fixture(params=ENGINES)
def net(request: pytest.FixtureRequest, tmp_path: Path, cli: CommandLine) -> Iterator[str]:
    text = f"{NET}engine: {request.param}\n"
    (tmp_path / "net.yaml").write_text(text)
    cli("up", "net.yaml", code=0)
    yield text
    cli("down", "m", code=0)


def test_up_gives_back_what_a_killed_run_had_taken_and_ends_nothing(
    net: str, tmp_path: Path, cli: CommandLine, state_dir: Path
) -> None:
    sleeper, journal = Sleeper(cli), state_dir / "m" / "stress.json"
    shaken_and_killed(tmp_path, journal)
    assert "a stress run was killed before it restored the network" in cli("status", code=1).stdout
    said = cli("up", "--json", "net.yaml", code=0)
    found = json.loads(said.stdout)
    assert found["changes"] == []
    assert found["recovered"]
    assert all(line in said.stderr for line in found["recovered"])
    assert "nothing differs" in said.stderr
    assert sleeper.lives
    assert cli("exec", "h1", "--", "readlink", "/proc/self/ns/net").stdout.strip() == sleeper.namespace
    assert not journal.exists()
    assert cli.json("status", "m")["networks"][0]["deviations"] == []
    assert cli.json("check", "m")["unexpected"] == []


def test_a_changed_file_is_applied_after_that(
    net: str, tmp_path: Path, cli: CommandLine, state_dir: Path
) -> None:
    sleeper = Sleeper(cli)
    shaken_and_killed(tmp_path, state_dir / "m" / "stress.json")
    (tmp_path / "net.yaml").write_text(net.replace("fanout: 2", "fanout: 3"))
    found = cli.json("up", "net.yaml")
    assert found["recovered"]
    assert any("added" in line for line in found["changes"])
    assert sleeper.lives
    assert cli.json("check", "m")["unexpected"] == []


def test_a_network_of_which_an_up_did_not_finish_is_made_anew_and_that_is_said(
    net: str, cli: CommandLine, state_dir: Path
) -> None:
    sleeper, record = Sleeper(cli), state_dir / "m" / "record.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"phase": "changing"}))
    said = cli("up", "--json", "net.yaml", code=0)
    words = "`m` was created again because an earlier `up` did not finish: processes in its nodes ended"
    assert words in said.stderr
    found = json.loads(said.stdout)
    assert (found["changes"], words in found["notes"]) == (None, True)
    assert not sleeper.lives


def test_a_first_up_says_nothing_of_that(net: str, cli: CommandLine) -> None:
    cli("down", "m", code=0)
    assert "anew" not in cli("up", "net.yaml", code=0).stderr


@needs_ovs
@pytest.mark.parametrize("engine", ENGINES)
def test_a_network_whose_switch_daemon_ended_is_made_anew_and_that_is_said(
    engine: str, tmp_path: Path, cli: CommandLine, state_dir: Path
) -> None:
    (tmp_path / "net.yaml").write_text(f"{NET}engine: {engine}\nswitch: ovs\n")
    cli("up", "net.yaml", code=0)
    os.kill(int((state_dir / "m" / "ovs" / "ovs-vswitchd.pid").read_text()), signal.SIGKILL)
    time.sleep(0.2)
    said = cli("up", "net.yaml", code=0).stderr
    assert "`m` was created again because ovs-vswitchd of Open vSwitch has ended" in said
    assert "processes in its nodes ended" in said
    assert cli.json("check", "m")["unexpected"] == []
    cli("down", "m", code=0)
