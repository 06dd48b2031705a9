"""A shell that stays in a node: one line finds the directory, variables and jobs that another one left.

The shell reads lines from a pipe and answers with exit codes on another, so that its input and output are the
user's own terminal: editors and pagers work in it. It leads a process group, which has the terminal while a
line runs: Ctrl-C reaches that line alone.
"""

from __future__ import annotations

import fcntl
import os
import select
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from emulator.linux.processes.wait import has_terminal

Start = Callable[[Sequence[str], Sequence[int]], "subprocess.Popen[bytes]"]
"""Starts a program with its arguments in the node, in a process group of its own; it inherits descriptors."""

_LOOP = """
trap : INT
trap '' TSTP
_emulator_again() { return "$1"; }
_emulator_code=0
while IFS= read -r line <&3; do
    _emulator_again "$_emulator_code"
    eval "$line" 3<&- 4>&-
    _emulator_code=$?
    echo "$_emulator_code" >&4
done
"""
"""Loop over lines; `$?` in a line is the exit code of the one before.

A signal that is trapped ends the line's command, and not the loop (sh(1p), trap).
"""

_BASH = 'eval "exec 3<&$1 4>&$2 $1<&- $2>&-"' + _LOOP
_SH = 'exec 3< "/proc/self/fd/$1" 4> "/proc/self/fd/$2"' + _LOOP
"""Other shells than bash read only one digit as a descriptor."""

_FIRST = 10
"""First descriptor that a script can't mean by 3 and 4."""

_PATIENCE = 1.0
"""Seconds that a shell has to end when no more lines come."""


def interactive_shell(node: str, environment: Mapping[str, str]) -> list[str]:
    """Return the command of a shell for people, whose prompt says the node."""
    bash = shutil.which("bash", path=environment.get("PATH"))
    return [bash] if bash else ["env", f"PS1={node}# ", "sh"]


def _pipe(*, far: int) -> tuple[int, int]:
    """Return a pipe's ends; the one for the shell (`far`) has a number that its script doesn't use."""
    pair = list(os.pipe())
    moved = fcntl.fcntl(pair[far], fcntl.F_DUPFD_CLOEXEC, _FIRST)
    os.close(pair[far])
    pair[far] = moved
    return pair[0], pair[1]


class NodeShell:
    """A shell in one node, started with the first line, and again after a line has ended it (`exit`)."""

    def __init__(self, start: Start, ping: Sequence[str] = ()) -> None:
        """`ping` are the words that `ping` stands for in this node; none if it is the program itself."""
        self._start = start
        self._prelude = f'ping() {{ command {shlex.join(ping)} "$@"; }}\n' if ping else ""
        self._process: subprocess.Popen[bytes] | None = None
        self._lines = self._codes = -1

    def run(self, line: str) -> int:
        """Run a line and return its exit code. KeyboardInterrupt goes to the line, and on."""
        process = self._process or self._open()
        with _foreground(process):
            self._send(line)
            try:
                return self._answer(process)
            except KeyboardInterrupt:  # without a terminal, only this process gets the signal
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGINT)
                self._answer(process)
                raise

    def lasts(self) -> bool:
        """Return whether its process runs; one that has ended is forgotten."""
        if self._process is not None and self._process.poll() is not None:
            self._gone(self._process)
        return self._process is not None

    def close(self) -> None:
        """Send no more lines. Jobs in the background run on in the node, until the network goes down."""
        process, self._process = self._process, None
        if process is None:
            return
        self._close_pipes()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _open(self) -> subprocess.Popen[bytes]:
        to_read, self._lines = _pipe(far=0)
        self._codes, to_write = _pipe(far=1)
        bash = shutil.which("bash")
        words = [bash, "--norc", "--noprofile", "-c"] if bash else ["sh", "-c"]
        script = self._prelude + (_BASH if bash else _SH)
        pair = (to_read, to_write)
        try:
            process = self._start([*words, script, words[0], *map(str, pair)], pair)
        except BaseException:
            self._close_pipes()
            raise
        finally:
            os.close(to_read)
            os.close(to_write)
        self._process = process
        return process

    def _send(self, line: str) -> None:
        data = line.replace("\n", " ").encode(errors="surrogateescape") + b"\n"
        with suppress(BrokenPipeError):
            while data:
                data = data[os.write(self._lines, data) :]

    def _answer(self, process: subprocess.Popen[bytes]) -> int:
        """Return the exit code of the line that runs; that of the shell if the line ended it."""
        said = b""
        while not said.endswith(b"\n"):
            select.select([self._codes], [], [])
            more = os.read(self._codes, 16)
            if not more:
                return self._gone(process)
            said += more
        return int(said)

    def _gone(self, process: subprocess.Popen[bytes]) -> int:
        self._process = None
        self._close_pipes()
        code = process.wait()
        return code if code >= 0 else 128 - code

    def _close_pipes(self) -> None:
        os.close(self._lines)
        os.close(self._codes)


@contextmanager
def _foreground(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Give the terminal to the shell's process group while a line runs, if it is ours to give."""
    if not has_terminal():
        yield
        return
    terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    # without the block the kernel would stop this process, no longer in the foreground
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        with suppress(OSError):
            os.tcsetpgrp(terminal, process.pid)
        yield
    finally:
        with suppress(OSError):
            os.tcsetpgrp(terminal, os.getpgrp())
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        os.close(terminal)
