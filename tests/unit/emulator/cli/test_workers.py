"""`emulator workers`: what its commands say and refuse, without a cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name

import click
import pytest

from emulator.cli.main import run
from emulator.cli.workers.group import COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_the_name_of_its_table(name: str) -> None:
    found = resolve_name(COMMANDS[name][0])
    assert isinstance(found, click.Command)
    assert found.name == name


def test_help_imports_no_library_of_clusters() -> None:
    code = (
        "import sys; from emulator.cli.main import run; run(['--help']); run(['workers', '--help']); "
        "run(['workers', 'worker', '--help']); "
        "sys.exit(any(n in sys.modules for n in ('dask', 'distributed', 'cryptography', 'paramiko')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_certs_are_made_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(tmp_path / "c")
    assert run(["workers", "certs", folder, "--days", "2"]) == 0
    assert "they are valid until 20" in capsys.readouterr().out
    assert run(["workers", "certs", folder]) == 2
    assert "exists already" in capsys.readouterr().err
    assert run(["workers", "certs", str(tmp_path / "d"), "--days", "nan"]) == 2


def test_a_scheduler_without_certificates_stays_on_loopback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["workers", "scheduler", "--host", "0.0.0.0"]) == 3  # noqa: S104 -- it is refused
    assert "isn't protected by TLS" in capsys.readouterr().err


def test_a_lacking_library_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert run(["workers", "scheduler"]) == 3
    assert "-m pip install distributed" in capsys.readouterr().err
