"""A full disk under the state directory: a clear error, and all is rolled back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk of 64 KiB with the state directory on it."""
    path = tmp_path / "disk"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", path], check=True)
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(path / "state"))
    yield path
    subprocess.run(["umount", path], check=True)


@pytest.mark.parametrize("room", [0, 4096, 8192, 16384])
def test_a_full_disk_is_said_and_nothing_stays(
    room: int, disk: Path, tmp_path: Path, cli: CommandLine
) -> None:
    (tmp_path / "a.yaml").write_text("name: a\ntopology: {generator: linear, k: 20, hosts_per_switch: 20}\n")
    fill = disk / "fill"
    with fill.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    with fill.open("r+b") as file:
        file.truncate(fill.stat().st_size - room)
    done = cli("up", "a.yaml", code=3)
    assert f"can't write to the state directory {disk / 'state'}: No space left on device" in done.stderr
    assert "bug" not in done.stderr
    assert str(disk / "state") not in Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    fill.unlink()
    assert not (disk / "state").exists()
