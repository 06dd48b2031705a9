"""The supervisor of local workers: starts the scheduler and the workers, and starts again those that end.

`python -m emulator.carriers.local.supervisor`, with the state directory in the environment. SIGTERM ends it
and all that it started. If it is killed, those run on, and `emulator workers local N` starts another one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from types import FrameType

from emulator.carriers.dask.worker_facts import MEMORY_VARIABLE
from emulator.carriers.local.marks import MARK
from emulator.carriers.local.record import LocalPaths, LocalRecord, read_record
from emulator.carriers.local.underlay import HEAD, inside
from emulator.errors import EmulationError

_LOOK = 0.2
_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds until what ended is started again: longer each time, and short again after a minute of life."""
_LIFE = 60.0
_PATIENCE = 10.0


@dataclass
class _Child:
    """A process to keep alive, in the namespace `place`."""

    name: str
    place: str
    words: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    began: float = 0.0
    due: float = 0.0
    failures: int = 0

    def look(self, paths: LocalPaths) -> None:
        """Start it if it is due; note that it has ended."""
        now = time.monotonic()
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            self.failures = 0 if now - self.began > _LIFE else self.failures + 1
            pause = _PAUSES[min(self.failures, len(_PAUSES) - 1)]
            _log(f"{self.name} ended with {code}; it starts again in {pause:g} s")
            self.process, self.due = None, now + pause
        if now >= self.due:
            try:
                self._start(paths)
            except (EmulationError, OSError) as error:
                _log(f"{self.name} can't be started: {error}")
                self.due = now + _PAUSES[-1]

    def _start(self, paths: LocalPaths) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        log = os.open(paths.log(self.name), flags, 0o600)
        try:
            with inside(paths, self.place):
                self.process = subprocess.Popen(  # noqa: S603 -- our own words, no shell
                    [sys.executable, "-P", "-m", "emulator", "workers", *self.words],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/",
                    env=os.environ | self.environment,
                )  # fmt: skip
        finally:
            os.close(log)
        self.began = time.monotonic()


def children(paths: LocalPaths, record: LocalRecord) -> list[_Child]:
    """Return what runs: a scheduler, and the workers."""
    common = ["--certificates", str(paths.certificates), "--silence", f"{record.silence:g}"]
    head = record.scheduler
    out = [_Child("scheduler", HEAD, ["scheduler", "--host", head.host, "--port", str(head.port), *common])]
    for number, worker in enumerate(record.workers, 1):
        words = ["worker", "--scheduler", str(head), "--name", worker, "--host", record.host(number), *common]
        own = {"EMULATOR_STATE_DIR": str(paths.state(worker)), MEMORY_VARIABLE: str(record.memory)}
        out.append(_Child(worker, worker, words, own))
    return out


def main() -> int:
    """Supervise until SIGTERM."""
    paths = LocalPaths.here()
    record = read_record(paths)
    if record is None:
        _log("there are no local workers here")
        return 2
    os.environ[MARK] = str(paths.root)
    is_ending = False

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal is_ending
        del number, frame
        is_ending = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    watched = children(paths, record)
    while not is_ending and paths.record.exists():
        for child in watched:
            child.look(paths)
        time.sleep(_LOOK)
    _end([child.process for child in watched if child.process is not None])
    return 0


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _PATIENCE
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _log(words: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {words}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
