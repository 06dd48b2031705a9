"""Run a call's function in a process of its own: signals can end it, and it outlives the one that started it.

The function gets SIGTERM when the call is cancelled, and SIGKILL if it goes on much longer. If the process
that started it dies, `is_cancelled` becomes true and nothing else happens: the function finishes its work or
undoes it, as it decides.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, cast

from emulator.carriers.frames import plain_bytes, read_frame, write_frame
from emulator.carriers.plain_errors import error_of
from emulator.carriers.protocol import Answer, Call
from emulator.errors import BrokenError, UnableError
from emulator.tasks import Plain

GRACE_SECONDS = 120.0
"""Time that a cancelled function has to undo its work."""


class OwnProcess:
    """One call that runs in a process of its own. `run` waits for it; any thread may `cancel`."""

    def __init__(self, call: Call, tell: Callable[[Plain], None], grace: float = GRACE_SECONDS) -> None:
        self._call = call
        self._tell = tell
        self._grace = grace
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._killer: threading.Timer | None = None
        self._is_cancelled = False

    def run(self) -> Answer:
        """Start the process and return its answer; raises the function's error, or BrokenError if killed."""
        call = self._call
        head = plain_bytes({"worker": call.worker, "entry": call.entry, "arguments": dict(call.arguments)})
        with self._guard:
            if self._is_cancelled:
                raise BrokenError("the call was cancelled before it began")
            process = self._process = self._start()
        try:
            with suppress(OSError):  # it has ended already; its answer or its end says why
                write_frame(self._input, b"A", head)
                write_frame(self._input, b"D", call.data)
            return self._answer(cast("BinaryIO", process.stdout))
        finally:
            self._finish(process)

    def cancel(self) -> None:
        """Ask the function to stop; kill it if it doesn't within the grace."""
        with self._guard:
            if self._is_cancelled:
                return
            self._is_cancelled = True
            if self._process is None or self._process.poll() is not None:
                return
            with suppress(OSError):
                write_frame(self._input, b"C")
            self._process.send_signal(signal.SIGTERM)
            self._killer = threading.Timer(self._grace, self._process.kill)
            self._killer.daemon = True
            self._killer.start()

    @property
    def _input(self) -> BinaryIO:
        assert self._process is not None and self._process.stdin is not None  # noqa: S101, PT018 -- started
        return cast("BinaryIO", self._process.stdin)

    def _start(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-P", "-m", "emulator.carriers.own_process_main"]
        try:
            return subprocess.Popen(  # noqa: S603 -- our own words, no shell
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", start_new_session=True
            )
        except OSError as error:
            raise UnableError(f"can't start a process: {error.strerror}") from error

    def _answer(self, output: BinaryIO) -> Answer:
        data = b""
        while frame := read_frame(output):
            if frame.kind == b"P":
                self._tell(frame.plain)
            elif frame.kind == b"D":
                data = frame.body
            elif frame.kind == b"R":
                return Answer(frame.plain, data)
            elif frame.kind == b"E":
                raise error_of(frame.plain)
        raise BrokenError(self._end())

    def _end(self) -> str:
        assert self._process is not None  # noqa: S101 -- it was started
        code = self._process.wait()
        what = f"the process of {self._call.entry}"
        if code < 0:
            kill = "; was the machine out of memory?" if code == -signal.SIGKILL else ""
            return f"{what} was ended by {signal.Signals(-code).name}{kill}"
        return f"{what} ended with exit code {code} before it answered; the worker's log says why"

    def _finish(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for the process: it has answered or ended, so this takes milliseconds."""
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(self._grace)
        with self._guard:
            if self._killer is not None:
                self._killer.cancel()
