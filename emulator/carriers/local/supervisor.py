"""The supervisor of local workers: starts the scheduler and the workers, and starts again those that end.

`python -m emulator.carriers.local.supervisor`, with the state directory in the environment. SIGTERM ends it
and all that it started. If it is killed, those run on, and `emulator workers local N` starts another one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial

from emulator.carriers.dask.worker_facts import MEMORY_VARIABLE
from emulator.carriers.kept_process import KeptProcess, keep_alive, log
from emulator.carriers.local.marks import MARK
from emulator.carriers.local.record import LocalPaths, LocalRecord, read_record
from emulator.carriers.local.underlay import HEAD, inside
from emulator.signals import asked_to_end


def main() -> int:
    """Supervise until SIGTERM, or until the record is gone."""
    paths = LocalPaths.here()
    record = read_record(paths)
    if record is None:
        log("there are no local workers here")
        return 2
    os.environ[MARK] = str(paths.root)
    with asked_to_end() as is_ending:
        keep_alive(_kept(paths, record), lambda: not is_ending() and paths.record.exists())
    return 0


def _kept(paths: LocalPaths, record: LocalRecord) -> list[KeptProcess]:
    """Return what runs: a scheduler, and the workers."""
    common = ["--certificates", str(paths.certificates), "--silence", f"{record.silence:g}"]
    head = record.scheduler
    words = ["scheduler", "--host", head.host, "--port", str(head.port), *common]
    kept = [KeptProcess("scheduler", partial(_start, paths, "scheduler", HEAD, words, {}))]
    for number, worker in enumerate(record.workers, 1):
        words = ["worker", "--scheduler", str(head), "--name", worker, "--host", record.host(number), *common]
        own = {"EMULATOR_STATE_DIR": str(paths.state(worker)), MEMORY_VARIABLE: str(record.memory)}
        kept.append(KeptProcess(worker, partial(_start, paths, worker, worker, words, own)))
    return kept


def _start(
    paths: LocalPaths, name: str, place: str, words: Sequence[str], environment: Mapping[str, str], /
) -> subprocess.Popen[bytes]:
    """Start a command of `emulator workers` in the namespace `place`."""
    log_file = os.open(paths.log(name), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        with inside(paths, place):
            return subprocess.Popen(  # noqa: S603 -- our own words, no shell
                [sys.executable, "-P", "-m", "emulator", "workers", *words], stdin=subprocess.DEVNULL,
                stdout=log_file, stderr=log_file, cwd="/", env=os.environ | environment,
            )  # fmt: skip
    finally:
        os.close(log_file)


if __name__ == "__main__":
    sys.exit(main())
