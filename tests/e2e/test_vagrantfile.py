"""The Vagrantfile: Vagrant accepts it, and what it runs on the head makes an inventory of all machines."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

CLONE = Path(__file__).parents[2]

_STAND_INS = {
    "sudo": "exit 0",
    "ssh": 'echo "$*" >>"$HOME/asked"; exit 0',
    "ansible-playbook": 'echo "$*" >"$HOME/ran"',
    "python3": 'mkdir -p "$3/bin"; for p in pip emulator; do ln -sf "$HOME/bin/$p" "$3/bin/$p"; done',
    "pip": 'case $1 in wheel) mkdir -p "$5"; : >"$5/topology_emulator-1-py3-none-any.whl";; esac',
    "emulator": 'mkdir -p "$3"; : >"$3/ca.pem"; echo made >>"$HOME/certificates-made"',
}


@pytest.fixture
def head(tmp_path: Path) -> dict[str, str]:
    """Programs of a machine without Internet, in a home of their own."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / ".ssh").mkdir()
    for name, text in _STAND_INS.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    return {
        "HOME": str(tmp_path),
        "PATH": f"{programs}:/usr/bin:/bin",
        "UNDERLAY": "192.168.77",
        "WORKERS": "2",
    }


def _run(head: dict[str, str]) -> None:
    script = CLONE / "ansible" / "vagrant-cluster.sh"
    done = subprocess.run(["sh", script], env=head, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_head_prepares_itself_and_all_workers_and_keeps_certificates(
    head: dict[str, str], tmp_path: Path
) -> None:
    _run(head)
    _run(head)  # `vagrant provision head`
    assert (tmp_path / "certificates-made").read_text() == "made\n"
    inventory = yaml.safe_load((tmp_path / "cluster" / "inventory.yml").read_text())["all"]
    assert {name: host["cluster_address"] for name, host in inventory["hosts"].items()} == {
        "head": "192.168.77.10", "worker1": "192.168.77.11", "worker2": "192.168.77.12",
    }  # fmt: skip
    assert inventory["children"] == {
        "cluster_scheduler": {"hosts": {"head": None}},
        "cluster_workers": {"hosts": {"worker1": None, "worker2": None}},
    }
    assert Path(inventory["vars"]["cluster_wheel"]).suffix == ".whl"
    assert (tmp_path / "ran").read_text().split()[-1] == "cluster.yml"
    assert all("accept-new" in line for line in (tmp_path / "asked").read_text().splitlines())
    assert (tmp_path / "cluster" / "inventory.yml").stat().st_mode & 0o77 == 0


def test_vagrant_accepts_it(tmp_path: Path) -> None:
    vagrant = shutil.which("vagrant")
    if vagrant is None:
        pytest.skip("vagrant isn't installed (Debian: apt-get install vagrant)")
    shutil.copy(CLONE / "Vagrantfile", tmp_path)  # Vagrant leaves a folder beside it
    done = subprocess.run(
        [vagrant, "validate", "--ignore-provider"],
        cwd=tmp_path, env=os.environ | {"HOME": str(tmp_path), "VAGRANT_CHECKPOINT_DISABLE": "1"},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
