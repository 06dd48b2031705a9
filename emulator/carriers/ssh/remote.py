"""The side on the machine: `python -m emulator.carriers.ssh.remote`, as root, a request in JSON on its input.

It starts or stops the scheduler or worker of this machine, under systemd as a transient unit where that is
process 1, else under a keeper of ours. Certificates are kept in /run: they end with what uses them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from emulator.carriers.certificates import ROLES
from emulator.carriers.dask.start import SCRATCH
from emulator.carriers.ssh import keeper
from emulator.errors import UnableError
from emulator.state import names, state_root
from emulator.state.directory import OF_A_WORKER, sweep
from emulator.tasks import Plain
from emulator.version import __version__

PLACE = Path("/run/topology-emulator-cluster")
_SYSTEMD = Path("/run/systemd/system")
_SECONDS = 60.0


def main() -> int:
    """Answer one request; errors go to standard error, with their exit code."""
    request = json.load(sys.stdin)
    try:
        answer = _answer(request)
    except UnableError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    json.dump(answer, sys.stdout)
    return 0


def _answer(request: Plain) -> Plain:
    role = request["role"]
    if role not in ROLES:
        raise UnableError(f"no role {role!r}")
    if request["do"] == "start" and request["release"] != __version__:
        raise UnableError(
            f"this machine has release {__version__}, not {request['release']}; install the same"
        )
    if role == "worker":
        os.environ.setdefault("EMULATOR_STATE_DIR", OF_A_WORKER)
    was_running = _stop(role)
    if request["do"] == "start":
        _start(role, request["words"], request["files"])
    return {"was_running": was_running, "networks": names() if role == "worker" else []}


def _start(role: str, words: Sequence[str], files: Mapping[str, str]) -> None:
    folder = PLACE / role
    try:
        folder.mkdir(mode=0o700, parents=True)
        for name, text in files.items():
            path = folder / Path(name).name
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
    except OSError as error:
        raise UnableError(f"can't write to {folder}: {error.strerror}") from error
    command = [sys.executable, "-P", "-m", "emulator", "workers", role, *words, "--certificates", str(folder)]
    if not _SYSTEMD.exists():
        keeper.start(folder, command)
        return
    settings = [
        "Restart=always", "RestartSec=1", "StartLimitIntervalSec=0", "KillMode=process", "OOMPolicy=continue",
        f"Environment=EMULATOR_STATE_DIR={state_root()}",
    ]  # fmt: skip
    properties = [word for setting in settings for word in ("--property", setting)]
    _run(["systemd-run", f"--unit={_unit(role)}", "--collect", *properties, "--", *command])


def _stop(role: str) -> bool:
    """Stop what runs; return whether it did. Its networks stay."""
    folder = PLACE / role
    was_running = keeper.stop(folder)
    if _SYSTEMD.exists() and _is_active(role):
        _run(["systemctl", "stop", _unit(role)])
        was_running = True
    shutil.rmtree(folder, ignore_errors=True)
    if role == "worker":
        root = state_root()
        shutil.rmtree(root / SCRATCH, ignore_errors=True)  # of one that was killed
        sweep(root)
    if PLACE.is_dir() and not any(PLACE.iterdir()):
        PLACE.rmdir()
    return was_running


def _unit(role: str) -> str:
    return f"topology-emulator-{role}-by-ssh.service"


def _is_active(role: str) -> bool:
    words = ["systemctl", "is-active", "--quiet", _unit(role)]
    return subprocess.run(words, check=False, stdin=subprocess.DEVNULL).returncode == 0  # noqa: S603


def _run(words: Sequence[str]) -> None:
    done = subprocess.run(  # noqa: S603 -- our own words, no shell
        list(words), check=False, capture_output=True, text=True, errors="replace", timeout=_SECONDS,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode:
        raise UnableError(f"{words[0]}: {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main())
