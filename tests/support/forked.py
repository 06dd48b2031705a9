"""Start `python -m emulator` as a fork of a process that has imported its modules: a fifth of the time.

A fork is a process of its own, with its own arguments, folder, environment and streams. Its process group,
user, limits and namespaces are those of the server, so the server is used only as long as the test has the
same: `Server.serves` tells. The first command of a run starts the server; it ends with the process of the
tests. Whether the modules can be imported at all is for the tests that start a new interpreter.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path

_MODULES = (
    "emulator.checks.reachability",
    *(f"emulator.cli.{name}" for name in (
        "check", "down", "execute", "link", "main", "networks", "status", "up",
    )),
    "emulator.engines.netns.engine", "emulator.engines.planning", "emulator.engines.registry",
    "emulator.under_stress", "stress.cli.stress",
)  # fmt: skip
"""What most commands import; the others import the rest."""
_AT_THE_START = ("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "OPENBLAS_", "OMP_")
"""Beginnings of variables that a process reads once, when it starts."""
_STATUS = ("Umask", "Uid", "Gid", "Groups", "SigBlk", "SigIgn", "CapEff", "Cpus_allowed", "NoNewPrivs")
_MESSAGE = 1 << 20


def situation() -> list[str]:
    """Return what a child gets from the calling thread, beside its folder, environment and streams."""
    status = Path("/proc/thread-self/status").read_text(encoding="ascii").splitlines()
    return [
        *(line for line in status if line.partition(":")[0] in _STATUS),
        *(str(path.readlink()) for path in sorted(Path("/proc/thread-self/ns").iterdir())),
        Path("/proc/thread-self/cgroup").read_text(encoding="utf-8"),
        Path("/proc/thread-self/limits").read_text(encoding="ascii"),
        str(os.getpriority(os.PRIO_PROCESS, 0)),
        str(Path("/proc/thread-self/root").readlink()),
        *(f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(_AT_THE_START)),
    ]


class Server:
    """The server, for the process that made it."""

    def __init__(self) -> None:
        """Start it, with the situation of now."""
        self._situation = situation()
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._requests.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MESSAGE)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EMULATOR_")}
        with theirs:
            self._process = subprocess.Popen(  # its streams are pipes, as those of its forks will be
                [sys.executable, __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()], cwd="/", env=kept | {"OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
        atexit.register(self.end)

    def end(self) -> None:
        """End the server."""
        self._requests.close()
        self._process.communicate()

    def serves(self) -> bool:
        """Return whether a fork of the server is what a new process would be."""
        return self._process.poll() is None and situation() == self._situation

    def run(
        self, words: Sequence[str], folder: Path, stdin: bytes, timeout: float
    ) -> tuple[int, bytes, bytes]:
        """Run a command; return its exit code (minus the signal that ended it), output and errors.

        subprocess.TimeoutExpired: the command, or who holds its streams, takes more than `timeout` seconds.
        """
        end = time.monotonic() + timeout
        ours, theirs = zip(
            *(pipe if out else pipe[::-1] for out in (0, 1, 1) for pipe in [os.pipe()]), strict=True
        )
        answer, reply = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with answer:
            with reply:
                request = json.dumps([list(words), str(folder), dict(os.environ)]).encode()
                socket.send_fds(self._requests, [request], [*theirs, reply.fileno()])
            for descriptor in theirs:
                os.close(descriptor)
            streams = [_Stream(ours[0], stdin), _Stream(ours[1]), _Stream(ours[2])]
            pid = int(answer.recv(_MESSAGE))
            answer.settimeout(timeout)
            code = _number(answer)
            for stream in streams:
                stream.join(max(0.0, end - time.monotonic()))
        if code is None or any(stream.is_alive() for stream in streams):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(words), timeout)
        return code, streams[1].text, streams[2].text


def _number(answer: socket.socket) -> int | None:
    try:
        return int(answer.recv(_MESSAGE))
    except TimeoutError:
        return None


class _Stream(threading.Thread):
    """Writes a text to a pipe, or reads all of it, and closes it."""

    def __init__(self, descriptor: int, written: bytes | None = None) -> None:
        super().__init__(daemon=True)
        self._descriptor, self._written, self.text = descriptor, written, b""
        self.start()

    def run(self) -> None:
        if self._written is None:
            with os.fdopen(self._descriptor, "rb") as pipe:
                self.text = pipe.read()
        else:
            with suppress(BrokenPipeError), os.fdopen(self._descriptor, "wb") as pipe:
                pipe.write(self._written)


def _serve(requests: socket.socket) -> None:
    """Answer requests until nobody can make any; a fork returns from here to run its command."""
    replies: dict[int, tuple[int, socket.socket]] = {}
    poll = select.poll()
    poll.register(requests, select.POLLIN)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor != requests.fileno():
                pid, reply = replies.pop(descriptor)
                poll.unregister(descriptor)
                os.close(descriptor)
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                with reply, suppress(OSError):
                    reply.send(str(code).encode())
                continue
            request, descriptors, _, _ = socket.recv_fds(requests, _MESSAGE, 4)
            if not request:
                os._exit(0)
            pid = os.fork()
            if pid == 0:
                for other in (requests, *(reply for _, reply in replies.values())):
                    other.close()
                for held in (descriptors[3], *replies):
                    os.close(held)
                _become(*json.loads(request), streams=descriptors[:3])
                return
            for stream in descriptors[:3]:
                os.close(stream)
            reply = socket.socket(fileno=descriptors[3])
            reply.send(str(pid).encode())
            watched = os.pidfd_open(pid)
            replies[watched] = (pid, reply)
            poll.register(watched, select.POLLIN)


def _become(words: list[str], folder: str, environment: dict[str, str], streams: list[int]) -> None:
    """Be a new process."""
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[1:] = words
    sys.path[0] = folder  # as for `python -m`
    icmp._idents = count(int.from_bytes(os.urandom(2)))  # what an import draws


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    del sys.path[0]
    from emulator.linux import icmp

    for module in _MODULES:
        importlib.import_module(module)
    sys.path.insert(0, "")
    gc.freeze()
    _serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module("emulator", run_name="__main__", alter_sys=True)
