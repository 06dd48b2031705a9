"""Give a process on a worker this process's terminal: keys, size, signals; or its pipes.

A thread sends what is typed while this one waits for output. Signals are only noted: a call must not begin
inside another.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import nullcontext, suppress

from emulator.engines.cluster.calls import Workers
from emulator.engines.cluster.processes import RemoteProcess
from emulator.engines.raw_terminal import raw_terminal
from emulator.errors import EmulationError
from emulator.signals import handled

_LOOK_EVERY = 0.05
"""Seconds between two looks for noted signals, and for the end."""
_CHUNK = 1 << 16
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interact(workers: Workers, worker: str, node: int, argv: Sequence[str], timeout: float | None) -> int:
    """Run `argv` in `node` on `worker` with our input and output; return its exit code."""
    on_terminal = os.isatty(0) and os.isatty(1)
    noted: deque[int] = deque()
    kinds = (*_PASSED_ON, signal.SIGWINCH) if on_terminal else _PASSED_ON
    sys.stdout.flush()
    with handled(kinds, noted.append):
        arguments = {
            "node": node, "argv": list(argv), "timeout": timeout, "size": _size() if on_terminal else None,
        }  # fmt: skip
        process = RemoteProcess(workers, worker, "emulator.agent.processes:start", arguments)
        over = threading.Event()
        sender = threading.Thread(target=_send, args=(process, noted, over), daemon=True)
        try:
            with raw_terminal() if on_terminal else nullcontext():
                sender.start()
                return _receive(process)
        except BaseException:
            with suppress(EmulationError):
                process.close()
            raise
        finally:
            over.set()
            sender.join()


def _receive(process: RemoteProcess) -> int:
    while True:
        output, errors, code = process.read()
        for descriptor, data in ((1, output), (2, errors)):
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
        if code is not None:
            return code


def _send(process: RemoteProcess, noted: deque[int], over: threading.Event) -> None:
    """Send signals and what comes from standard input, until the process is over."""
    open_input = True
    with suppress(EmulationError):  # it has ended meanwhile, or reading says why not
        while not over.is_set():
            while noted:
                number = noted.popleft()
                if number == signal.SIGWINCH:
                    process.write(size=_size())
                else:
                    process.write(signal=number)
            if not open_input:
                over.wait(_LOOK_EVERY)
            elif select.select([0], [], [], _LOOK_EVERY)[0] and not over.is_set():
                data = os.read(0, _CHUNK)
                open_input = bool(data)
                process.write(data, end=not data)


def _size() -> list[int]:
    """Return rows and columns of our terminal."""
    columns, rows = os.get_terminal_size(1)
    return [rows, columns]
