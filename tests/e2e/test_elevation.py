"""What root runs when a user's command starts itself again under sudo: only what is installed.

The stand-in for sudo is first in PATH and does what sudo does to the environment; the user is played by
a process that says it isn't root until sudo was asked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.e2e, pytest.mark.privileged]

_USER = """
import os, sys
sys.path[:] = [place for place in sys.path if place not in ("", os.environ.get("PYTHONPATH"))]
os.geteuid = lambda: 1000
for key in [key for key in os.environ if key.startswith("LATER_")]:
    os.environ[key.removeprefix("LATER_")] = os.environ.pop(key)
import runpy
runpy.run_module(os.environ.get("RUN_MODULE", "emulator"), run_name="__main__", alter_sys=True)
"""
_FILE = "name: net\ntopology: {generator: single, hosts: 1}\n"
_CLEANS = 'exec env -i PATH="$PATH" HOME=/root SUDO_UID=65534 SUDO_GID=65534 "$@"'
_KEEPS = 'exec "$@"'


def trap(folder: Path, marker: Path, *names: str) -> None:
    """Put modules into `folder` that leave `marker` when anybody imports them."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}.py").write_text(f"open({str(marker)!r}, 'a').write({name!r} + ' ')\n")


def as_user(
    folder: Path, tmp_path: Path, then: str, *words: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line in `folder` as one who isn't root and has the stand-in for sudo."""
    programs = tmp_path / "bin"
    programs.mkdir()
    sudo = programs / "sudo"
    sudo.write_text(f'#!/bin/sh\n[ "$1" = -- ] || exit 99\nshift\necho asked >{tmp_path}/asked\n{then}\n')
    sudo.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-c", _USER, *words], cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": path} | environment, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("then", [_CLEANS, _KEEPS], ids=["sudo-cleans", "sudo-keeps-the-environment"])
def test_modules_of_the_current_folder_and_of_pythonpath_stay_out(
    then: str, tmp_path: Path, cli: CommandLine, state_dir: Path
) -> None:
    marker = tmp_path / "imported"
    here, other = tmp_path / "here", tmp_path / "other"
    for folder in (here, other):
        trap(folder, marker, "click", "emulator", "sitecustomize", "json", "numpy")
    (other / "sitecustomize.py").write_text("")  # the user's own start imports it, as the user
    (here / "net.yaml").write_text(_FILE)
    done = as_user(here, tmp_path, then, "up", "net.yaml", PYTHONPATH=str(other))
    assert (tmp_path / "asked").exists(), done.stderr
    assert done.returncode == 0, done.stderr
    assert not marker.exists(), marker.read_text()
    assert (state_dir / "net").is_dir()  # the state directory is the one that the user chose
    cli("down", "net", code=0)


@pytest.mark.parametrize("then", [_CLEANS, _KEEPS], ids=["sudo-cleans", "sudo-keeps-the-environment"])
def test_python_m_stress_is_run_again_as_what_it_is(
    then: str, tmp_path: Path, cli: CommandLine, state_dir: Path
) -> None:
    (tmp_path / "net.yaml").write_text(_FILE)
    (tmp_path / "s.yaml").write_text(
        "name: once\nsteps: [{action: port-flap, target: host, rate: 5, down: 50 ms, duration: 1 s}]\n"
    )
    words = ["s.yaml", "--up", "net.yaml", "--seed", "3"]
    done = as_user(tmp_path, tmp_path, then, *words, RUN_MODULE="stress")
    assert (tmp_path / "asked").exists(), done.stderr
    assert done.returncode == 0, done.stderr
    assert "once on net (engine netns): 10 operations, seed 3" in done.stderr


def test_no_variable_of_pythons_is_handed_on(tmp_path: Path, cli: CommandLine, state_dir: Path) -> None:
    """PYTHONPROFILEIMPORTTIME stands for all of them: a Python that is given it prints each import."""
    (tmp_path / "net.yaml").write_text(_FILE)
    done = as_user(tmp_path, tmp_path, _KEEPS, "up", "net.yaml", LATER_PYTHONPROFILEIMPORTTIME="1")
    assert (tmp_path / "asked").exists(), done.stderr
    assert done.returncode == 0, done.stderr
    assert "import time" not in done.stderr
    cli("down", "net", code=0)


def test_a_program_that_is_nowhere_but_here_is_not_run_as_root(tmp_path: Path) -> None:
    """`python -m emulator` in a folder that has it: root would find nothing, and the words say what to do."""
    import emulator
    import topologies

    here = tmp_path / "here"
    here.mkdir()
    for package in (emulator, topologies):
        assert package.__file__ is not None
        (here / package.__name__).symlink_to(Path(package.__file__).parent)
    (here / "net.yaml").write_text(_FILE)
    libraries = Path(click.__file__).parents[1]
    code = f"import sys; sys.path[:0] = [{str(here)!r}, {str(libraries)!r}]\n{_USER}"
    base = Path(sys.base_prefix, "bin", "python3")
    empty = subprocess.run([base, "-P", "-c", "import emulator"], check=False, capture_output=True)
    if empty.returncode == 0:
        pytest.skip("the interpreter of the machine has this package too")
    sudo = tmp_path / "sudo"
    sudo.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
    sudo.chmod(0o755)
    done = subprocess.run(
        [base, "-c", code, "up", "net.yaml"], cwd=here, capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "pip install" in done.stderr
    assert not (tmp_path / "asked").exists()
