"""Answer requests on a UNIX socket, one at a time, in order of arrival.

Threads only read and write the socket. The driven program may not be thread-safe: the main thread uses it.
The exception are steps of `Program.beside`: a request of such steps alone runs in its connection's thread, so
that it neither waits for other requests nor makes them wait.
"""

from __future__ import annotations

import json
import queue
import signal
import socket
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .deadline import DeadlineError, deadline

Progress = Callable[[str, int, int], None]
"""Called with (phase, done, total) after each part of a step."""

Job = tuple[dict[str, Any], Callable[[dict[str, Any]], None], threading.Event]


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

    def __init__(self, steps: Any) -> None:
        self.steps = steps

    def busy(self) -> str:
        """Return why no request can be served now; empty when one can. Called from other threads."""
        return ""

    def complaints(self) -> list[str]:
        """Return errors without an exception since the last call; if there are any, the step has failed."""
        return []


class Server:
    """The socket, and the queue of requests from it."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._jobs: queue.Queue[Job] = queue.Queue()

    def listen(self, descriptor: int) -> None:
        """Accept connections in a thread; `descriptor` is the listening socket."""
        listener = socket.socket(fileno=descriptor)
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        def reply(answer: dict[str, Any]) -> None:
            with suppress(OSError):
                connection.sendall(json.dumps(answer).encode() + b"\n")

        with connection, suppress(OSError), connection.makefile("rb") as lines:
            for line in lines:
                if busy := self._program.busy():
                    reply({"error": busy})
                    continue
                request = json.loads(line)
                if all(step in self._program.beside for step, _ in request["do"]):
                    reply(self._answer_beside(request, reply))
                    continue
                done = threading.Event()
                self._jobs.put((request, reply, done))
                done.wait()

    def run(self) -> None:
        """Execute requests forever."""
        while True:
            request, reply, done = self._jobs.get()
            try:
                reply(self._answer(request, reply))
            finally:
                done.set()

    def _answer(self, request: dict[str, Any], reply: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        program = self._program
        program.complaints()
        given = []
        step = ""
        try:
            with deadline(request["seconds"]) as limit:

                def progress(phase: str, done: int, total: int) -> None:
                    limit.again()
                    reply({"progress": [phase, done, total]})

                for step, arguments in request["do"]:
                    limit.again()
                    if step in program.untimed:
                        limit.stop()
                    given.append(getattr(program.steps, step)(progress, **arguments))
                    if (said := program.complaints()) and step not in program.untimed:
                        return {"error": "; ".join(said)}
        except DeadlineError:
            return {"error": f"{step}: {program.title} didn't finish within {request['seconds']} s"}
        except StepError as error:
            return {"error": str(error)}
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- every error becomes an answer
            traceback.print_exc()
            said = program.complaints() or [f"{type(error).__name__}: {error}"]
            return {"error": f"{step}: {'; '.join(said)}"}
        return {"ok": given}

    def _answer_beside(
        self, request: dict[str, Any], reply: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any]:
        """Execute a request in this thread. An alarm interrupts the main thread only: it isn't set here."""

        def progress(phase: str, done: int, total: int) -> None:
            reply({"progress": [phase, done, total]})

        given = []
        step = ""
        try:
            for step, arguments in request["do"]:
                given.append(getattr(self._program.steps, step)(progress, **arguments))
        except StepError as error:
            return {"error": str(error)}
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- every error becomes an answer
            traceback.print_exc()
            return {"error": f"{step}: {type(error).__name__}: {error}"}
        return {"ok": given}


def serve(descriptor: int, made: Callable[[], Program]) -> None:
    """Serve the program that `made` returns, forever, on the listening socket `descriptor`."""
    for kind in (signal.SIGINT, signal.SIGHUP):
        # a handler and not SIG_IGN: child processes would inherit SIG_IGN, but shells are ended by SIGHUP
        signal.signal(kind, lambda *_: None)
    server = Server(made())
    server.listen(descriptor)
    server.run()
