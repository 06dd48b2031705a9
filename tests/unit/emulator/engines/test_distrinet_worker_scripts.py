"""The scripts on Distrinet's workers, run here by a shell: reservations, locks, and removal."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from emulator.engines.distrinet.driver import worker_scripts
from emulator.engines.distrinet.driver.worker_scripts import TAKEN, guarded, remove, reserve, start_ssh

_LXC = """#!/bin/sh
case $1 in exec) echo "$*" >> "$HOLDS/../orders"; [ "$(wc -l < "$HOLDS/../orders")" -gt 3 ] || exit 1 ;; esac
case $1 in list) ls "$HOLDS" ;; delete) rm "$HOLDS/$3" ;; esac
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The worker's folder of reservations; beside it is an LXD whose containers are files."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "containers").mkdir()
    (tmp_path / "bin" / "lxc").write_text(_LXC)
    (tmp_path / "bin" / "lxc").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}:/usr/sbin:/sbin")
    monkeypatch.setenv("HOLDS", str(tmp_path / "containers"))
    monkeypatch.setattr(worker_scripts, "FOLDER", str(tmp_path / "reserved"))
    monkeypatch.setattr(worker_scripts, "devices", lambda: "true")
    return tmp_path / "reserved"


def started(command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["sh", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ran(command: str) -> tuple[int, str, str]:
    process = started(command)
    out, errors = process.communicate(timeout=60)
    return process.returncode, out.strip(), errors.strip()


def test_a_reservation_names_its_network_and_a_second_network_is_refused(folder: Path) -> None:
    assert ran(reserve("it's", "a")) == (0, "", "")
    assert (folder / "network").read_text() == "it's\n"
    assert ran(reserve("it's", "b")) == (0, "", "")
    assert ran(reserve("other", "c")) == (TAKEN, "the network it's", "")
    assert sorted(path.name for path in folder.iterdir()) == ["lock.a", "lock.b", "network"]
    assert ran(remove("other")) == (0, "", "")
    assert folder.exists()
    assert ran(remove("it's")) == (0, "", "")
    assert [path.name for path in folder.parent.iterdir() if "reserved" in path.name] == []


def test_of_networks_that_come_at_a_time_exactly_one_gets_the_worker(folder: Path) -> None:
    for attempt in range(5):
        if attempt % 2:
            folder.mkdir()  # what a killed reservation has left
        names = [f"n{number}" for number in range(8)]
        processes = [started(reserve(name, name)) for name in names]
        said = [process.communicate(timeout=60)[0].strip() for process in processes]
        (winner,) = [name for name, one in zip(names, processes, strict=True) if one.returncode == 0]
        assert (folder / "network").read_text().strip() == winner
        assert {one.returncode for one in processes} == {0, TAKEN}
        assert {words for words in said if words} == {f"the network {winner}"}
        assert list(folder.parent.glob("reserved.*")) == []
        ran(remove(winner))


def test_a_reservation_that_was_killed_before_it_named_its_network_is_taken_over(folder: Path) -> None:
    folder.mkdir()
    left = folder.with_name("reserved.new-d")
    left.mkdir()
    assert ran(reserve("d", "a")) == (0, "", "")
    assert (folder / "network").read_text() == "d\n"
    assert not left.exists()


def test_a_folder_that_is_something_else_is_an_error_and_stays(folder: Path) -> None:
    folder.mkdir()
    (folder / "theirs").touch()
    code, _, errors = ran(reserve("d", "a"))
    assert (code, errors) == (1, f"{folder} is no folder of ours; remove it")
    assert (folder / "theirs").exists()


def test_devices_of_others_are_refused_and_nothing_is_reserved(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_scripts, "devices", lambda: "echo intf3")
    assert ran(reserve("d", "a")) == (TAKEN, "devices of a Distrinet that isn't ours (intf3 )", "")
    assert not folder.exists()


def test_removal_waits_for_commands_under_way_and_later_ones_do_not_run(folder: Path) -> None:
    ran(reserve("d", "a"))
    containers = folder.with_name("containers")
    making = started(
        guarded(f"echo begun; sleep 1; touch {containers}/h1; sleep 0.2; touch {containers}/h2", "a")
    )
    assert making.stdout is not None
    assert making.stdout.readline() == "begun\n"
    assert ran(remove("d")) == (0, "", "")
    assert making.poll() is not None or making.wait(1) == 0
    making.communicate()
    assert list(containers.iterdir()) == []
    ran(reserve("d", "b"))  # another driver's reservation is none of this one's
    code, _, errors = ran(guarded(f"touch {containers}/h3", "a"))
    assert code == 1
    assert errors.startswith("Error: ")
    assert list(containers.iterdir()) == []
    assert ran(guarded("cat; exit 7", "b"))[0] == 7


def test_commands_that_do_not_end_are_told_and_the_reservation_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_scripts, "_UNDER_WAY", 1)
    ran(reserve("d", "a"))
    stuck = started(guarded("echo begun; exec sleep 60", "a"))
    assert stuck.stdout is not None
    stuck.stdout.readline()
    began = time.monotonic()
    assert ran(remove("d")) == (0, "commands that still run,", "")
    assert time.monotonic() - began < 10
    assert folder.exists()
    os.killpg(stuck.pid, signal.SIGKILL)
    stuck.communicate()
    assert ran(remove("d")) == (0, "", "")
    assert not folder.exists()


def test_a_container_that_only_boots_is_ordered_again_until_it_obeys(folder: Path) -> None:
    orders = folder.parent / "orders"
    assert ran(start_ssh("h1")) == (0, "", "")
    assert orders.read_text().splitlines() == ["exec h1 -- service ssh start"] * 4


def test_a_container_that_never_obeys_is_left_to_distrinets_own_order(folder: Path) -> None:
    (folder.parent / "bin" / "lxc").write_text("#!/bin/sh\necho no >&2; exit 1\n")
    began = time.monotonic()
    assert ran(start_ssh("h1", seconds=1)) == (0, "", "")
    assert time.monotonic() - began < 20
