"""`./emulate`: a clone becomes a running program, wherever it stands and however often it is interrupted."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[2]
SCRIPTS = ("emulate", ".ci/run", "ansible/vagrant-cluster.sh")
PARTS = (
    "emulate", "pyproject.toml", "constraints.txt", "setup.py", "README.md", "LICENSE",
    "emulator", "topologies",
)  # fmt: skip
NOBODY = 65534


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_pass_shellcheck(script: str) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck isn't installed (`./emulate test` installs it)")
    done = subprocess.run(["shellcheck", CLONE / script], check=False, capture_output=True, text=True)
    assert done.stdout == ""


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_executable(script: str) -> None:
    assert os.access(CLONE / script, os.X_OK)


def run(program: Path, *words: str, **changes: str) -> subprocess.Popen[str]:
    environment = {
        key: value for key, value in os.environ.items() if key not in {"EMULATE_VENV", "PYTHONPATH"}
    }
    return subprocess.Popen(
        [program, *words], cwd="/", env=environment | changes, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def result(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=300)
    return process.returncode, output, errors


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """Make a folder that everybody may enter. every run of pytest closes those that pytest makes."""
    with tempfile.TemporaryDirectory(prefix="test-launcher-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def clone(open_folder: Path) -> Path:
    """Copy the clone to a folder with a space in its name and link to its launcher from another."""
    home = open_folder / "a clone"
    home.mkdir()
    for part in PARTS:
        source = CLONE / part
        if source.is_dir():
            shutil.copytree(source, home / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, home / part)
    (home / "bin").mkdir()
    (home / "bin" / "emulate").symlink_to("../emulate")
    return home


@pytest.mark.slow
def test_three_first_uses_at_once_make_one_environment(clone: Path) -> None:
    started = [run(clone / "bin" / "emulate", "--version") for _ in range(3)]
    all_three = [result(process) for process in started]
    assert [(code, output) for code, output, _ in all_three] == [(0, "0.1.0\n")] * 3
    assert sum("preparing" in errors for _, _, errors in all_three) == 1


@pytest.mark.slow
def test_an_interrupted_first_use_is_begun_again(clone: Path) -> None:
    (clone / ".venv" / ".emulate").write_text("making\n")
    shutil.rmtree(clone / ".venv" / "bin")
    code, output, errors = result(run(clone / "bin" / "emulate", "--version"))
    assert (code, output) == (0, "0.1.0\n"), errors
    assert "preparing" in errors


@pytest.mark.slow
def test_the_clone_is_what_runs(clone: Path) -> None:
    main = clone / "emulator" / "__main__.py"
    text = main.read_text()
    main.write_text("import sys\nprint('the clone')\nsys.exit(5)\n")
    try:
        assert result(run(clone / "bin" / "emulate"))[:2] == (5, "the clone\n")
    finally:
        main.write_text(text)


@pytest.mark.privileged
def test_an_environment_of_root_is_not_touched_by_others(clone: Path) -> None:
    """`nobody` finds root's environment out of date: it is told what to do, and nothing changes."""
    venv = clone / "of root"
    venv.mkdir()
    (venv / ".emulate").write_text("old old\n")
    process = subprocess.run(
        ["setpriv", f"--reuid={NOBODY}", "--clear-groups", clone / "emulate", "--version"],
        cwd="/", env={"PATH": os.environ["PATH"], "EMULATE_VENV": str(venv)}, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert process.returncode == 3
    assert f"you can't write to {venv} (created by root?)" in process.stderr
    assert (venv / ".emulate").read_text() == "old old\n"


@pytest.mark.slow
@pytest.mark.privileged
def test_a_clone_of_root_runs_for_others(clone: Path, open_folder: Path) -> None:
    """`nobody`, with an environment of their own: nothing is written into the clone."""
    home = open_folder / "of nobody"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    before = sorted(clone.rglob("*"))
    words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", clone / "emulate"]
    environment = os.environ | {"EMULATE_VENV": str(home / "venv"), "HOME": str(home)}
    environment.pop("PYTHONPATH", None)
    for more in (["--version"], ["plan", clone / "topologies" / "examples" / "ring.yaml"]):
        done = subprocess.run(
            [*words, *more], cwd="/", env=environment, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert "12 hosts, 6 switches" in done.stdout
    assert sorted(clone.rglob("*")) == before


def test_a_folder_that_is_no_environment_is_left_alone(clone: Path) -> None:
    mine = clone / "mine"
    mine.mkdir()
    (mine / "thesis.tex").write_text("")
    code, _, errors = result(run(clone / "emulate", "--version", EMULATE_VENV=str(mine)))
    assert code == 3
    assert "exists and isn't a Python environment" in errors
    assert [path.name for path in mine.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("program", ["/no/python", "false", os.devnull])
def test_no_other_python_is_taken_than_the_one_that_was_asked_for(clone: Path, program: str) -> None:
    target = clone / "of another python"
    process = run(clone / "emulate", "--version", EMULATE_VENV=str(target), PYTHON=program)
    code, _, errors = result(process)
    assert code == 3
    assert errors == f"emulate: PYTHON={program} is not Python 3.11 or later\n"
    assert not target.exists()


def test_without_python_and_apt_the_words_say_what_is_needed(clone: Path, tmp_path: Path) -> None:
    for tool in (
        "cat",
        "cksum",
        "cut",
        "dirname",
        "flock",
        "id",
        "ls",
        "mkdir",
        "readlink",
        "rm",
        "sh",
        "tr",
    ):
        (tmp_path / tool).symlink_to(str(shutil.which(tool)))
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")  # one that is too old
    (tmp_path / "python3").chmod(0o755)
    environment = {"EMULATE_VENV": str(tmp_path / "venv"), "PATH": str(tmp_path)}
    code, output, errors = result(run(clone / "emulate", "--version", **environment))
    assert (code, output) == (3, "")
    assert "this needs python3 python3-venv" in errors
