"""`emulator workers start` and `stop`: a scheduler and a worker over SSH, kept alive without systemd."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from support.command import CommandLine
from support.dask_cluster import free_port, until
from support.ssh_server import SshServer

from emulator.carriers.make_certificates import make_certificates
from emulator.carriers.opening import open_carrier
from emulator.carriers.ssh.keeper import MARK
from emulator.carriers.ssh.remote import PLACE
from emulator.errors import EmulationError
from emulator.process_tags import command_of, with_variable

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SshServer]:
    with SshServer(tmp_path) as running:
        yield running


@pytest.fixture
def file(server: SshServer, tmp_path: Path, cli: CommandLine) -> Iterator[Path]:
    make_certificates(tmp_path / "certificates", 1)
    path = tmp_path / "hosts.yaml"
    path.write_text(
        f"ssh: {{user: root, port: {server.port}, key: user, known_hosts: known_hosts}}\n"
        f"python: {sys.executable}\ncertificates: certificates\n"
        f"scheduler: {{host: 127.0.0.1, port: {free_port()}}}\n"
        f"workers: [{{host: 127.0.0.1, name: node1, port: {free_port()}}}]\n"
    )
    yield path
    (tmp_path / "known_hosts").write_text(server.known)
    assert cli("workers", "stop", "hosts.yaml").returncode == 0  # also what a failed test has left
    assert not PLACE.exists()


def test_they_start_come_back_and_stop(
    file: Path, cli: CommandLine, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = cli("workers", "start", "hosts.yaml", code=0)
    assert "node1 answer" in done.stdout
    assert [worker["name"] for worker in cli.json("workers", "status", "hosts.yaml")["workers"]] == ["node1"]
    for line in done.stdout.splitlines():
        if line.startswith("export "):
            monkeypatch.setenv(*line.removeprefix("export ").split("=", 1))
    assert [worker["name"] for worker in cli.json("workers", "status")["workers"]] == ["node1"]
    assert all(path.stat().st_mode & 0o77 == 0 for path in PLACE.glob("*/*"))
    marked = with_variable(MARK, str(PLACE / "worker"))
    (worker,) = (process for process in marked if "workers" in command_of(process)[:5])
    os.kill(worker.pid, signal.SIGKILL)

    def is_back() -> bool:
        try:
            with open_carrier() as carrier:
                return not worker.is_running() and list(carrier.workers()) == ["node1"]
        except EmulationError:
            return False

    until(is_back)
    done = cli("workers", "stop", "hosts.yaml", code=0)
    assert "node1 on 127.0.0.1 stopped" in done.stderr
    assert "scheduler on 127.0.0.1 stopped" in done.stderr
    assert not state_dir.exists()
    assert cli("workers", "status").returncode == 3


def test_machines_that_arent_known_are_refused(file: Path, cli: CommandLine, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    place = known.read_text().split()[0]
    other = paramiko.ECDSAKey.generate()
    known.write_text(f"{place} {other.get_name()} {other.get_base64()}\n")
    assert "its key isn't the one in" in cli("workers", "start", "hosts.yaml", code=3).stderr
    known.write_text("")
    assert "its key isn't in" in cli("workers", "start", "hosts.yaml", code=3).stderr
    assert not PLACE.exists()


def test_check_judges_every_machine_and_says_what_helps(file: Path, cli: CommandLine, tmp_path: Path) -> None:
    found = cli.json("workers", "check", "hosts.yaml")["findings"]
    by_worker = {
        name: {f["name"]: f for f in found if f["worker"] == name} for name in ("scheduler", "node1")
    }
    for name, own in by_worker.items():
        assert {
            "SSH",
            "clock",
            "root",
            "Python",
            "release",
            "packages",
            "underlay",
            "disk /run",
        } <= own.keys()
        assert all(own[check]["is_fine"] for check in ("SSH", "clock", "root", "Python", "release")), name
        assert own["underlay"]["value"] == "127.0.0.1"
    machine = {
        f["name"]: f["value"] for f in cli.json("doctor")["findings"] if f["basic"] and f["name"] != "root"
    }
    assert machine.keys() <= by_worker["node1"].keys()
    assert not machine.keys() & by_worker["scheduler"].keys()

    whole = file.read_text()
    text = whole.replace("host: 127.0.0.1, name: node1", "host: 127.0.0.1, address: 192.0.2.1")
    file.write_text(text.replace(f"python: {sys.executable}", "python: /usr/bin/python3"))
    done = cli("workers", "check", "hosts.yaml", code=3)
    file.write_text(whole)
    said = {
        line.split()[2]: line for line in done.stdout.splitlines() if line.startswith("MISSING 127.0.0.1")
    }
    assert "-> set `address:` in the file" in said["underlay"]
    assert "not installed for /usr/bin/python3  -> install release" in said["release"]
    assert "checks failed" in done.stdout


def test_check_speaks_to_no_machine_that_isnt_known(file: Path, cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("")
    answer = cli.json("workers", "check", "hosts.yaml", code=3)
    assert [(f["name"], f["is_fine"]) for f in answer["findings"]] == [("host key", False)] * 2
    assert not answer["fit"]
    assert all("compare the key" in f["fix"] for f in answer["findings"])
