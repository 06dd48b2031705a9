"""Processes in nodes that a client talks to by calls: on a terminal of this worker, or by pipes.

A client opens one, then writes, reads and signals until it has the exit code. Reading waits for output, so
that nothing is asked in vain; writing and reading may overlap. A client says how much it has got: the answer
to a call that Ctrl-C interrupts is lost on its way, and comes again.
"""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from emulator.agent.leases import LEASES, Kind
from emulator.agent.reach import access_of, text
from emulator.carriers.protocol import Answer, RunningCall
from emulator.commands import TIMED_OUT, no_program
from emulator.engines.namespaced_nodes import NamespacedNodes
from emulator.errors import UnableError
from emulator.tasks import Plain

_CHUNK = 1 << 16
_MOST_WAITING = 4 << 20
"""Bytes of output that wait for the client before the process must."""
_PATIENCE = 2.0
_IDLE = 0.05
"""Seconds without output after which a terminal whose command has ended is empty."""
_ON_TERMINAL = (
    'trap : HUP INT QUIT TERM; exec 3>&1 4<&0 5<>"$0"; '
    '"$@" <&5 >&5 2>&5 3>&- 4<&- 5>&-; echo $? >&3; read -r _ <&4'
)
"""Leads the session of a terminal, and tells the command's exit code. A session leader without a terminal
gets the one that it opens (tty(4)). When it ends, the kernel drops what nobody has read: so it waits until
its input is closed. No word of a user is code here.
"""


class HeldProcess:
    """A started process, with its terminal `master` (a descriptor; -1: it has pipes). `close` ends it."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        master: int = -1,
        slave: int = -1,
        timeout: float | None = None,
    ) -> None:
        self._process = process
        self._master = master
        self._slave = slave  # open until the end: without any, reading the master fails
        self._output = [bytearray(), bytearray()]
        self._dropped = [0, 0]  # bytes before those in `_output`, which the client has
        self._changed = threading.Condition()
        self._timed_out = self._ended = self._closing = False
        self._over = threading.Event()
        self._told: int | None = None
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._threads = [
            threading.Thread(target=self._drain, args=source, daemon=True) for source in self._pipes()
        ]
        watches = [self._await_end] if master < 0 else [self._await_end, self._await_command]
        for thread in (*self._threads, *(threading.Thread(target=w, daemon=True) for w in watches)):
            thread.start()

    def _pipes(self) -> list[tuple[int, int]]:
        """Return (descriptor, 0 for output or 1 for errors) of everything to read."""
        process = self._process
        assert process.stdout is not None  # noqa: S101 -- started with pipes
        assert process.stderr is not None  # noqa: S101
        errors = (process.stderr.fileno(), 1)
        return [(self._master, 0) if self._master >= 0 else (process.stdout.fileno(), 0), errors]

    def _drain(self, source: int, into: int) -> None:
        """Collect what comes from `source`; stop at its end or `close`, wait while the client is behind."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or len(self._output[into]) < _MOST_WAITING)
            if self._closing:
                return
            try:
                if source == self._master and not select.select([source], [], [], _IDLE)[0]:
                    if self._over.is_set():
                        return  # the command has ended, and all is read
                    continue
                data = os.read(source, _CHUNK)
            except (OSError, ValueError):
                return
            if not data:
                return
            with self._changed:
                self._output[into] += data
                self._changed.notify_all()

    def _await_command(self) -> None:
        """Learn the exit code of a terminal's command; let its leader end when all output was read."""
        assert self._process.stdout is not None  # noqa: S101 -- started with pipes
        assert self._process.stdin is not None  # noqa: S101
        told = self._process.stdout.readline().strip()
        self._told = int(told) if told.isdigit() else None
        self._over.set()
        self._threads[0].join()
        with suppress(OSError):
            self._process.stdin.close()

    def _await_end(self) -> None:
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        try:
            self._process.wait(left)
        except subprocess.TimeoutExpired:
            self._timed_out = True
            self.send(signal.SIGKILL)
            self._process.wait()
        end = time.monotonic() + _PATIENCE  # children may hold a pipe open for ever
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def write(self, data: bytes, *, end: bool) -> None:
        """Send `data` to its input; with `end`, close the input."""
        stdin = self._process.stdin
        if self._master >= 0:
            while data:
                data = data[os.write(self._master, data) :]
        elif stdin is not None and not stdin.closed:
            with suppress(BrokenPipeError):
                stdin.write(data)
                stdin.flush()
            if end:
                with suppress(BrokenPipeError):
                    stdin.close()

    def read(self, wait: float, got: Sequence[int]) -> tuple[bytes, bytes, int | None]:
        """Return what it has written (output, errors) after the `got` bytes of each; wait for some.

        The exit code comes when it has ended and all was got.
        """
        with self._changed:
            for at, part in enumerate(self._output):
                del part[: got[at] - self._dropped[at]]
                self._dropped[at] = got[at]
            self._changed.notify_all()
            self._changed.wait_for(lambda: any(self._output) or self._ended, wait)
            output, errors = (bytes(part) for part in self._output)
            is_over = self._ended and not output and not errors
            return output, errors, self._code() if is_over else None

    def _code(self) -> int:
        code = self._process.returncode if self._told is None else self._told
        return TIMED_OUT if self._timed_out else code if code >= 0 else 128 - code

    def send(self, number: int) -> None:
        """Send a signal to its process group."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def resize(self, size: Sequence[int]) -> None:
        """Set the size of its terminal: rows, columns."""
        set_size(self._master, size)

    def close(self) -> None:
        """End it, as a terminal that hangs up does, and then by force."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGKILL):
            self.send(number)
            with self._changed:
                if self._changed.wait_for(lambda: self._ended, _PATIENCE / 2):
                    break
        for descriptor in (self._master, self._slave):
            if descriptor >= 0:
                with suppress(OSError):
                    os.close(descriptor)
        self._master = -1
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def set_size(terminal: int, size: Sequence[int]) -> None:
    """Set the size of a terminal: rows, columns."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", size[0], size[1], 0, 0))


def on_terminal(
    nodes: NamespacedNodes, node: int, argv: Sequence[str], size: Sequence[int], timeout: float | None
) -> HeldProcess:
    """Start a command in a node on a new terminal of this size; UnableError without such a program."""
    if "/" not in argv[0] and shutil.which(argv[0]) is None:
        raise UnableError(no_program(argv, nodes.names[node]))
    master, slave = os.openpty()
    try:
        set_size(master, size)
        words = ["sh", "-c", _ON_TERMINAL, os.ttyname(slave), *argv]
        process = nodes.start(node, words, capture=True, feed=True, session=True)
    except BaseException:
        os.close(master)
        os.close(slave)
        raise
    return HeldProcess(process, master, slave, timeout)


_PROCESSES = Kind(HeldProcess)


def start(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Start `argv` in `node`, on a terminal of `size` or without; return its number."""
    del call, data
    nodes = access_of(arguments).nodes
    node, argv, size, timeout = (arguments[key] for key in ("node", "argv", "size", "timeout"))
    if size is not None:
        return Answer(LEASES.add(on_terminal(nodes, node, argv, size, timeout)))
    process = nodes.start(node, argv, capture=True, apart=True, feed=True)
    return Answer(LEASES.add(HeldProcess(process, timeout=timeout)))


def write(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Send input (`data`), a `signal` or a new `size` to the process `number`; `end` closes its input."""
    del call
    process = _PROCESSES.find(arguments)
    if arguments.get("size"):
        process.resize(arguments["size"])
    if arguments.get("signal"):
        process.send(arguments["signal"])
    if data or arguments.get("end"):
        process.write(data, end=bool(arguments.get("end")))
    return Answer()


def read(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Return output, errors (base64) and exit code of the process `number`; wait for some up to `wait`.

    `got` are the numbers of bytes that the client has of both.
    """
    del call, data
    output, errors, code = _PROCESSES.find(arguments).read(arguments["wait"], arguments["got"])
    return Answer([text(output), text(errors), code])
