"""Answer requests on a UNIX socket, one at a time, in order of arrival.

Threads only read and write the socket. The driven program may not be thread-safe: the main thread uses it.
The exception are steps of `Program.beside`: a request of such steps alone runs in a thread of its own, so
that it neither waits for other requests nor makes them wait.
"""

from __future__ import annotations

import json
import os
import queue
import select
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .deadline import DeadlineError, deadline
from .progress import Progress

IDLE_SECONDS = 120.0
"""Seconds after which a driver that holds nothing ends: its client was killed before it asked for anything.

A client asks within a second of the start. This is far beyond what a busy machine adds, and the driver of a
client that was killed doesn't stay.
"""
_LOOK = 0.2
"""Seconds between looks whether a request has been answered."""


class StepError(Exception):
    """Failure of a step; the words give the reason."""


class Program:
    """The driven program: `steps` has a method for each step, called as `step(progress, **arguments)`."""

    title = "the driver"
    """Name of the program, for people."""
    untimed: frozenset[str] = frozenset()
    """Steps without a time limit, for interactive use: their user also sees the program's errors."""
    beside: frozenset[str] = frozenset()
    """Steps that are thread-safe: they may run beside others, and limit their time themselves."""
    abandonable: frozenset[str] = frozenset()
    """Steps that end at their next progress once their client has gone away.

    That is in a request of such steps alone. Others are finished: nothing is left half changed.
    """
    passing: frozenset[str] = frozenset()
    """Steps after which the driver still holds nothing: it may end when it isn't asked any more."""

    def __init__(self, steps: Any) -> None:
        self.steps = steps

    def busy(self) -> str:
        """Return why no request can be served now; empty when one can. Called from other threads."""
        return ""

    def complaints(self) -> list[str]:
        """Return errors without an exception since the last call; if there are any, the step has failed."""
        return []


class _Request:
    """A request on a connection, until it is answered or its client has gone away."""

    def __init__(self, line: bytes, connection: socket.socket, abandonable: frozenset[str]) -> None:
        document = json.loads(line)
        self.do: list[tuple[str, dict[str, Any]]] = document["do"]
        self.seconds: float = document["seconds"]
        self._connection = connection
        self._answered = threading.Event()
        self.progress = Progress(self._tell, abandonable=self.has_only(abandonable))

    def has_only(self, steps: frozenset[str]) -> bool:
        """Return whether all steps of the request are of `steps`."""
        return all(step in steps for step, _ in self.do)

    def answer(self, answer: dict[str, Any]) -> None:
        """Send the answer."""
        self._answered.set()
        self._send(answer)

    def attend(self) -> None:
        """Wait until it is answered. If the client goes away before that, say so to the steps."""
        poll = select.poll()
        poll.register(self._connection, 0)  # POLLHUP alone: the client has closed its end
        while not self._answered.is_set():
            if poll.poll(_LOOK * 1000) and not self._answered.is_set():
                self.progress.client_gone()
                return

    def _tell(self, phase: str, done: int, total: int) -> None:
        self._send({"progress": [phase, done, total]})

    def _send(self, document: dict[str, Any]) -> None:
        with suppress(OSError):
            self._connection.sendall(json.dumps(document).encode() + b"\n")


class Server:
    """The socket, and the queue of requests from it."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._jobs: queue.Queue[_Request] = queue.Queue()

    def listen(self, descriptor: int) -> None:
        """Accept connections in a thread; `descriptor` is the listening socket."""
        listener = socket.socket(fileno=descriptor)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        program = self._program
        with connection, suppress(OSError), connection.makefile("rb") as lines:
            for line in lines:
                request = _Request(line, connection, program.abandonable)
                if busy := program.busy():
                    request.answer({"error": busy})
                elif request.has_only(program.beside):
                    threading.Thread(target=self._answer_beside, args=(request,), daemon=True).start()
                else:
                    self._jobs.put(request)
                request.attend()

    def run(self, idle_seconds: float) -> None:
        """Execute requests. Return if there is none for `idle_seconds` while the program holds nothing."""
        holds = False
        while True:
            try:
                request = self._jobs.get(timeout=None if holds else idle_seconds)
            except queue.Empty:
                return
            answer = self._answer(request)
            holds = holds or ("ok" in answer and not request.has_only(self._program.passing))
            request.answer(answer)

    def _answer(self, request: _Request) -> dict[str, Any]:
        program = self._program
        program.complaints()
        given = []
        step = ""
        try:
            with deadline(request.seconds) as limit:
                request.progress.begin(limit)
                for step, arguments in request.do:
                    limit.again()
                    if step in program.untimed:
                        limit.stop()
                    given.append(getattr(program.steps, step)(request.progress, **arguments))
                    if (said := program.complaints()) and step not in program.untimed:
                        return {"error": "; ".join(said)}
        except DeadlineError:
            return {"error": f"{step}: {program.title} didn't finish within {request.seconds} s"}
        except StepError as error:
            return {"error": str(error)}
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- every error becomes an answer
            said = program.complaints() or [f"{type(error).__name__}: {error}"]
            return _failed(request, step, said)
        return {"ok": given}

    def _answer_beside(self, request: _Request) -> None:
        """Execute a request in this thread. An alarm interrupts the main thread only: it isn't set here."""
        given = []
        step = ""
        try:
            for step, arguments in request.do:
                given.append(getattr(self._program.steps, step)(request.progress, **arguments))
        except StepError as error:
            request.answer({"error": str(error)})
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- every error becomes an answer
            request.answer(_failed(request, step, [f"{type(error).__name__}: {error}"]))
        else:
            request.answer({"ok": given})


def _failed(request: _Request, step: str, said: list[str]) -> dict[str, Any]:
    """Return the answer for the exception that is being handled; log it."""
    if request.progress.gone:
        sys.stderr.write(f"{step}: the client has gone away\n")
    else:
        traceback.print_exc()
    return {"error": f"{step}: {'; '.join(said)}"}


def serve(descriptor: int, made: Callable[[], Program], idle_seconds: float = IDLE_SECONDS) -> None:
    """Serve the program that `made` returns on the listening socket `descriptor`, and end this process.

    That is after `idle_seconds` without a request while the program holds nothing; otherwise it never ends.
    """
    for kind in (signal.SIGINT, signal.SIGHUP):
        # a handler and not SIG_IGN: child processes would inherit SIG_IGN, but shells are ended by SIGHUP
        signal.signal(kind, lambda *_: None)
    server = Server(made())
    server.listen(descriptor)
    server.run(idle_seconds)
    sys.stderr.write(f"nobody has asked for anything in {idle_seconds:g} s\n")
    os._exit(0)  # threads of the driven program would keep it alive, and its exit handlers may wait for ever
