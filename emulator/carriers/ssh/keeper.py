"""Keeps a scheduler or worker alive on machines without systemd: `python -m emulator.carriers.ssh.keeper`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from emulator.carriers.kept_process import KeptProcess, keep_alive
from emulator.errors import UnableError
from emulator.process_tags import command_of, with_variable
from emulator.signals import asked_to_end

MARK = "EMULATOR_CLUSTER_PLACE"
"""The folder of a role. Calls under way inherit it, and networks' daemons: those are told by their words."""

_OURS = ("emulator.carriers.ssh.keeper", "workers")
_PATIENCE = 20.0


def start(folder: Path, command: Sequence[str]) -> None:
    """Start a keeper for `command`; its log is in `folder`. UnableError."""
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        process = subprocess.Popen(  # noqa: S603 -- our own words, no shell
            [sys.executable, "-P", "-m", _OURS[0], str(folder), *command], stdin=subprocess.DEVNULL,
            stdout=log, stderr=log, cwd="/", start_new_session=True, env=os.environ | {MARK: str(folder)},
        )  # fmt: skip
    except OSError as error:
        raise UnableError(f"can't start a process: {error.strerror}") from error
    finally:
        os.close(log)
    process.returncode = 0  # it outlives us: no ResourceWarning that it still runs


def stop(folder: Path) -> bool:
    """Stop the keeper of `folder` and what it keeps; return whether it was there. Calls under way go on."""
    deadline = time.monotonic() + _PATIENCE
    was_there = False
    while found := list(_kept(folder)):
        was_there = True
        for process in found:
            with suppress(psutil.Error):
                process.kill() if time.monotonic() > deadline else process.terminate()
        if time.monotonic() > 2 * _PATIENCE + deadline:
            raise UnableError(f"process {found[0].pid} doesn't end; it may be stuck in the kernel")
        time.sleep(0.1)
    return was_there


def _kept(folder: Path) -> Iterator[psutil.Process]:
    for process in with_variable(MARK, str(folder)):
        if any(word in _OURS for word in command_of(process)):
            yield process


def main() -> int:
    """Keep the command alive until SIGTERM, or until the folder is gone."""
    folder, command = Path(sys.argv[1]), sys.argv[2:]

    def run() -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, cwd="/")  # noqa: S603 -- of `start`

    with asked_to_end() as is_ending:
        keep_alive([KeptProcess(folder.name, run)], lambda: not is_ending() and folder.exists())
    return 0


if __name__ == "__main__":
    sys.exit(main())
