"""State directories that people choose: other file systems, links, relative paths, shared folders."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

FILE = "name: st\ntopology: {generator: single, hosts: 3}\n"


@pytest.fixture
def home(state_dir: Path) -> Iterator[Path]:
    """Return a folder beside the usual state directory; nothing may stay mounted below it."""
    folder = state_dir.parent / "home"
    folder.mkdir()
    yield folder
    left = [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in line]
    subprocess.run(["rm", "-rf", "--one-file-system", folder], check=True)
    assert left == []


def live(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "st.yaml").write_text(FILE)
    cli("up", "st.yaml", code=0)
    assert "nothing differs" in cli("up", "st.yaml", code=0).stdout
    assert cli.json("check", "st")["unexpected"] == []
    assert [network["running"] for network in cli.json("status")["networks"]] == [True]
    cli("down", "st", code=0)


@pytest.mark.parametrize("way", ["linked/state", "real/../state", "real/a b", "real/é b", "real/back\\slash"])
def test_paths_that_the_mount_table_writes_otherwise(
    way: str, home: Path, tmp_path: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "real").mkdir()
    (home / "linked").symlink_to("real")
    monkeypatch.setenv("EMULATOR_STATE_DIR", f"{home}/{way}")
    live(cli, tmp_path)
    assert list((home / "real").iterdir()) == []


def test_a_relative_path(
    home: Path, tmp_path: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", os.path.relpath(home / "state", tmp_path))
    live(cli, tmp_path)
    assert list(home.iterdir()) == []


def test_a_file_system_of_the_user_stays_mounted(
    home: Path, tmp_path: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "none", home], check=True)
    try:
        (home / "precious").touch()
        monkeypatch.setenv("EMULATOR_STATE_DIR", str(home))
        live(cli, tmp_path)
        assert home.is_mount()
        assert [entry.name for entry in home.iterdir()] == ["precious"]
    finally:
        subprocess.run(["umount", home], check=True)


def test_folders_of_others_survive_up_and_down(
    home: Path, tmp_path: Path, cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(home))
    (tmp_path / "st.yaml").write_text(FILE)
    (home / "st" / "precious").mkdir(parents=True)
    assert "isn't the folder of a network" in cli("up", "st.yaml", code=3).stderr
    cli("down", "st", code=0)
    cli("down", "--all", code=0)
    assert (home / "st" / "precious").is_dir()
    (home / "st").rename(home / "other")
    live(cli, tmp_path)
    cli("down", "--all", code=0)
    assert (home / "other" / "precious").is_dir()


def test_a_lost_folder_does_not_lose_the_network(tmp_path: Path, state_dir: Path, cli: CommandLine) -> None:
    (tmp_path / "st.yaml").write_text(FILE)
    cli("up", "st.yaml", code=0)
    subprocess.run(["rm", "-rf", state_dir / "st"], check=True)
    assert "emulator down st" in cli("status", "st", code=1).stdout
    cli("down", "--all", code=0)
    assert not state_dir.exists()


def test_a_network_may_have_the_name_of_the_ledger(tmp_path: Path, state_dir: Path, cli: CommandLine) -> None:
    (tmp_path / "s.yaml").write_text(FILE.replace("name: st", "name: sysctls"))
    cli("up", "s.yaml", code=0, timeout=30)
    cli("down", "sysctls", code=0, timeout=30)
    assert not state_dir.exists()
