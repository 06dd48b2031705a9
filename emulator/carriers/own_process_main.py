"""The process of a call (`python -m emulator.carriers.own_process_main`): read it, run it, answer.

Standard output carries frames only. What the function prints goes to standard error, the worker's log.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import BinaryIO

from emulator.carriers.entry import function_at
from emulator.carriers.frames import Frame, read_frame, write_frame, write_plain
from emulator.carriers.plain_errors import plain_error
from emulator.errors import BrokenError, EmulationError
from emulator.linux.processes.interrupts import Stopped
from emulator.tasks import Plain


class _Called:
    """The `RunningCall` of this process."""

    def __init__(self, worker: str, output: BinaryIO) -> None:
        self.worker = worker
        self._output = output
        self._guard = threading.Lock()
        self.is_cancelled = False

    def tell(self, progress: Plain) -> None:
        """Write a frame; a worker that has died doesn't stop the work."""
        self.write(b"P", progress)

    def write(self, kind: bytes, value: Plain) -> None:
        with self._guard, suppress(OSError):
            write_plain(self._output, kind, value)

    def write_data(self, data: bytes) -> None:
        with self._guard, suppress(OSError):
            write_frame(self._output, b"D", data)


def main() -> int:
    """Carry out one call; the exit code is that of its error, 0 without any."""
    source, output = _own_streams()
    head, data = read_frame(source), read_frame(source)
    if head is None or data is None:
        return 0  # the worker died before it had said what to do
    call = head.plain
    called = _Called(call["worker"], output)
    threading.Thread(target=_watch, args=(source, called), daemon=True).start()
    try:
        try:
            _carry_out(called, call, data)
        except KeyboardInterrupt:  # SIGTERM: the function has undone what it does undo
            raise BrokenError("stopped: the call was cancelled") from None
    except EmulationError as error:
        called.write(b"E", plain_error(error))
        return error.exit_code
    except BaseException as error:  # noqa: BLE001 -- the border: a bug becomes an answer
        called.write(b"E", plain_error(error))
        return BrokenError.exit_code
    return 0


def _carry_out(called: _Called, call: Plain, data: Frame) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        called.is_cancelled = True
        raise Stopped(number)

    signal.signal(signal.SIGTERM, stop)
    answer = function_at(call["entry"])(called, call["arguments"], data.body)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the work is done: a late signal doesn't change that
    called.write_data(answer.data)
    called.write(b"R", answer.value)


def _watch(source: BinaryIO, called: _Called) -> None:
    """Note that nobody waits any more: a frame says so, or the end of the stream."""
    with suppress(OSError, EmulationError, ValueError):
        read_frame(source)
    called.is_cancelled = True


def _own_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return our input and output; the function's become empty input, and standard error."""
    source = os.fdopen(os.dup(0), "rb")
    output = os.fdopen(os.dup(1), "wb")
    empty = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(empty, 0)
    os.dup2(2, 1)
    return source, output


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # the watching thread waits in a read that Python would wait for at exit
