"""A process on a worker, by calls: input, output, signals, exit code."""

from __future__ import annotations

import base64
import json
import signal
from typing import Any

from emulator.access import BinaryWriter, CaptureResult
from emulator.carriers.plain_errors import error_of
from emulator.engines.cluster.calls import Arguments, Workers
from emulator.errors import BrokenError
from emulator.linux.processes.interrupts import Stopped
from emulator.signals import handled

_WAIT = 1.0
"""Seconds that a worker waits for output before it answers without any."""


class RemoteProcess:
    """A process that a worker keeps open. Reading and writing may be in two threads."""

    def __init__(self, workers: Workers, worker: str, entry: str, arguments: Arguments) -> None:
        self._workers = workers
        self._worker = worker
        self._got = [0, 0]
        self._number = int(workers.ask_one(worker, entry, arguments).value)

    def write(self, data: bytes = b"", **more: Any) -> None:
        """Send input, `end=True`, `signal=NUMBER` or `size=[rows, columns]`."""
        self._workers.ask_one(
            self._worker, "emulator.agent.processes:write", {"number": self._number, **more}, data=data
        )

    def read(self) -> tuple[bytes, bytes, int | None]:
        """Return output, errors, and the exit code once all output was returned."""
        arguments = {"number": self._number, "wait": _WAIT, "got": list(self._got)}
        found = self._workers.ask_one(self._worker, "emulator.agent.processes:read", arguments).value
        output, errors = base64.b64decode(found[0]), base64.b64decode(found[1])
        self._got = [self._got[0] + len(output), self._got[1] + len(errors)]
        if found[2] is not None:
            self.close()
        return output, errors, found[2]

    def close(self) -> None:
        """End it; nothing when it has ended."""
        self._workers.ask_one(self._worker, "emulator.agent.leases:close", {"numbers": [self._number]})


def captured(process: RemoteProcess, file: BinaryWriter) -> CaptureResult:
    """Write what a recording process sends into `file` until it ends; Ctrl-C has it stop.

    Signals are only noted: an interrupted call would lose what it brings. The process is told to stop once it
    has begun, which the head of the file shows; a second signal ends it at once.
    """
    words, began, told, noted = bytearray(), False, False, list[int]()
    with handled((signal.SIGINT, signal.SIGTERM, signal.SIGHUP), noted.append):
        try:
            while True:
                if noted and began and not told:
                    told = True
                    process.write(signal=int(signal.SIGINT))
                if len(noted) > 1:
                    raise Stopped(noted[-1])  # noqa: TRY301 -- as a second Ctrl-C does
                output, errors, code = process.read()
                if output:
                    began = True
                    file.write(output)
                    file.flush()
                words += errors
                if code is not None:
                    return _result(bytes(words), code)
        except BaseException:
            process.close()
            raise


def _result(words: bytes, code: int) -> CaptureResult:
    """Return the result that a recording process told at its end; raises its error."""
    lines = words.decode("utf-8", "replace").splitlines()
    try:
        told = json.loads(lines[-1])
        if "error" in told:
            raise error_of(told["error"])
        return CaptureResult(told["packets"], told["dropped"])
    except (ValueError, LookupError, TypeError) as error:
        last = lines[-1] if lines else f"it ended with {code}"
        raise BrokenError(f"the recording failed on the worker: {last}") from error
