"""The examples for batch systems and clouds generate what is right, and a job does what it says.

Nothing is submitted: dask-jobqueue generates the job, and stand-ins for `sudo` and the nodes' Python run it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from emulator.carriers.make_certificates import make_certificates

pytest.importorskip("dask_jobqueue")

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "clusters"
SYSTEMS = ("oar.py", "slurm.py")
OAR = [
    "#OAR -n emulator", "#OAR -l host=1,walltime=00:30:00", "#OAR --checkpoint 120 --signal 15",
    "#OAR -p \"cluster='paravance'\"",
]  # fmt: skip
SLURM = [
    "#SBATCH -J emulator", "#SBATCH -p long", "#SBATCH -t 00:30:00", "#SBATCH --exclusive",
    "#SBATCH --nodes=1", "#SBATCH --signal=B:TERM@120",
]  # fmt: skip
OWN = {"oar.py": ("--cluster", "paravance"), "slurm.py": ("--partition", "long")}


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _job(system: str, python: str, certificates: str, home: Path) -> str:
    done = subprocess.run(
        [
            sys.executable, "-B", EXAMPLES / system, "--scheduler", "tls://10.0.0.1:8786", "--python", python,
            "--certificates", certificates, "--walltime", "00:30:00", *OWN[system],
        ],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize(("system", "directives"), [("oar.py", OAR), ("slurm.py", SLURM)])
def test_a_job_asks_for_a_whole_node_and_time_to_clean_up(
    system: str, directives: list[str], tmp_path: Path
) -> None:
    script = _job(system, "/opt/my emulator/python", "a b", tmp_path)
    assert set(directives) <= set(script.splitlines()), script
    assert ("sudo-g5k" in script) == (system == "oar.py")
    assert "'/opt/my emulator/python' -P -m emulator workers worker --scheduler tls://10.0.0.1:8786" in script
    subprocess.run(["bash", "-n"], input=script, check=True, text=True)
    assert "dask_worker" not in script
    assert "--mem" not in script


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_job_starts_its_worker_again_and_removes_all_when_it_is_told_to_end(
    system: str, tmp_path: Path
) -> None:
    programs, certificates = tmp_path / "bin", tmp_path / "certificates"
    programs.mkdir()
    certificates.mkdir()
    for name in ("ca.pem", "worker.pem", "worker.key"):
        (certificates / name).write_text(name)
    log, copies = tmp_path / "log", tmp_path / "copies"
    copies.mkdir()
    stand_ins = {
        "sudo": 'shift; exec "$@"',
        "sudo-g5k": 'exec "$@"',
        # the first worker ends by itself, the second stays until it is told to end
        "node-python": f'case $* in *"workers worker"*) ls "${{@: -1}}" >{tmp_path}/files;; esac\n'
        f'echo "$*" >>{log}\n'
        f"[ $(grep -c 'workers worker' {log}) != 2 ] || [[ $* = *down* ]] || exec sleep 60",
    }
    for name, text in stand_ins.items():
        (programs / name).write_text(f"#!/bin/bash\n{text}\n")
        (programs / name).chmod(0o755)
    script = _job(system, str(programs / "node-python"), str(certificates), tmp_path)

    def lines() -> list[str]:
        return log.read_text().splitlines() if log.exists() else []

    with subprocess.Popen(
        ["bash", "-c", script],
        env={"PATH": f"{programs}:{os.environ['PATH']}", "TMPDIR": str(copies)},
    ) as job:
        try:
            _until(lambda: len(lines()) == 2)
            (own,) = copies.iterdir()
            assert own.stat().st_mode & 0o77 == 0
            assert (tmp_path / "files").read_text().split() == ["ca.pem", "worker.key", "worker.pem"]
            job.send_signal(signal.SIGTERM)
            assert job.wait(30) == 0
        finally:
            job.kill()
    assert [line.split("emulator ")[1].split(" --")[0] for line in lines()] == [
        "workers worker", "workers worker", "down",
    ]  # fmt: skip
    assert list(copies.iterdir()) == []


def test_user_data_makes_a_worker(tmp_path: Path) -> None:
    make_certificates(tmp_path / "certificates", 1)
    done = subprocess.run(
        [
            sys.executable, "-B", EXAMPLES / "cloud.py", "--scheduler", "tls://10.0.0.1:8786",
            "--certificates", tmp_path / "certificates", "--release", "1.2",
        ],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.startswith("#cloud-config\n")
    data = yaml.safe_load(done.stdout)
    files = {Path(file["path"]).name: file for file in data["write_files"]}
    unit = files.pop("topology-emulator-worker.service")["content"]
    assert files.keys() == {"ca.pem", "worker.pem", "worker.key"}  # neither the CA's key nor a client's
    for name, file in files.items():
        assert file["content"] == (tmp_path / "certificates" / name).read_text()
        assert file["permissions"] == "0600"
    assert any(command[-1] == "topology-emulator[cluster]==1.2" for command in data["runcmd"])
    settings = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
    assert (settings["Restart"], settings["KillMode"]) == ("always", "process")
    assert not [name for name in settings if name.startswith(("Private", "Protect"))]
    if shutil.which("systemd-analyze") is None:
        pytest.skip(
            "systemd-analyze isn't installed (Debian: apt-get install systemd): the unit isn't verified"
        )
    path = tmp_path / "worker.service"
    path.write_text(unit.replace("/opt/topology-emulator/venv/bin/python", "/bin/true"))
    checked = subprocess.run(["systemd-analyze", "verify", path], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert "worker.service" not in checked.stderr
