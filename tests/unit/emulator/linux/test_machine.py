"""What the machine says of its memory and limits."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from emulator.linux.machine import resources
from emulator.linux.machine.resources import available_memory, limit, mount_count


@pytest.mark.skipif(not shutil.which("free"), reason="procps isn't installed")
def test_available_memory_is_that_of_free() -> None:
    shown = subprocess.run(["free", "--bytes"], capture_output=True, text=True, check=True).stdout
    found = available_memory()
    assert found is not None
    assert abs(found - int(shown.splitlines()[1].split()[-1])) < 0.2 * psutil.virtual_memory().total


def test_a_kernel_that_says_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(resources, "_MEMORY", str(tmp_path / "meminfo"))
    assert available_memory() is None
    assert limit("net.there_is_no_such") is None


def test_mounts_are_counted() -> None:
    assert mount_count() == len(Path("/proc/self/mountinfo").read_text().splitlines())
