"""The built wheel: what the tests import, and what is in it."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import emulator
import topologies

CLONE = Path(__file__).parents[2]
WHEEL = os.environ.get("EMULATOR_TEST_WHEEL", "")
on_wheel = pytest.mark.skipif(not WHEEL, reason="`./emulate test` builds the wheel and says where it is")


def test_a_clone_that_is_not_installed_knows_its_version(tmp_path: Path) -> None:
    """`sudo python -m emulator` in a clone, with the packages that it needs at hand but not itself."""
    for package in ("emulator", "topologies", "stress"):
        (tmp_path / package).symlink_to(CLONE / package)
    hidden = "import importlib.metadata as m; m.version = m.distribution = None; "
    run = "import sys; from emulator.cli.main import run; sys.exit(run(['--version']))"
    done = subprocess.run(
        [sys.executable, "-c", hidden + run], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, f"{emulator.__version__}\n"), done.stderr


@on_wheel
@pytest.mark.parametrize("package", [emulator, topologies])
def test_tests_import_the_installed_wheel(package: object) -> None:
    place = Path(str(package.__file__))  # type: ignore[attr-defined]
    assert place.is_relative_to(sysconfig.get_path("purelib"))


@on_wheel
def test_wheel_holds_every_file_of_the_packages() -> None:
    expected = {
        str(path.relative_to(CLONE))
        for package in ("emulator", "topologies", "stress")
        for path in (CLONE / package).glob("**/*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(WHEEL) as wheel:
        held = set(wheel.namelist())
    assert expected
    assert expected - held == set()
    assert {name.split("/")[0] for name in held if ".dist-info/" not in name} <= {
        "emulator",
        "topologies",
        "stress",
    }
