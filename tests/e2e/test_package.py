"""The built wheel: what the tests import, and what is in it."""

from __future__ import annotations

import os
import sysconfig
import zipfile
from pathlib import Path

import pytest

import emulator
import topologies

CLONE = Path(__file__).parents[2]
WHEEL = os.environ.get("EMULATOR_TEST_WHEEL", "")
pytestmark = pytest.mark.skipif(not WHEEL, reason="`./emulate test` builds the wheel and says where it is")


@pytest.mark.parametrize("package", [emulator, topologies])
def test_tests_import_the_installed_wheel(package: object) -> None:
    place = Path(str(package.__file__))  # type: ignore[attr-defined]
    assert place.is_relative_to(sysconfig.get_path("purelib"))


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
