"""Answers requests on a UNIX socket, one at a time, in the order in which they come.

Threads only read and write the socket. What is driven may not be made for threads: the main one works it.
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

Tell = Callable[[str, int, int], None]
"""Called with (phase, done, total) after each part of a step."""

Job = tuple[dict[str, Any], Callable[[dict[str, Any]], None], threading.Event]


class StepError(Exception):
    """A step failed; the words say how."""


class Program:
    """The driven program: `steps` has a method for each step, called as `step(tell, **arguments)`."""

    title = "the driver"
    """Name of the program, for people."""
    untimed: frozenset[str] = frozenset()
    """Steps that take as long as somebody likes, who also sees what is complained of."""

    def __init__(self, steps: Any) -> None:
        self.steps = steps

    def busy(self) -> str:
        """Return why nothing can be done now; empty when it can. Asked by other threads than the main one."""
        return ""

    def complaints(self) -> list[str]:
        """Return what went wrong without an exception since this was last asked: the step has failed then."""
        return []


class Server:
    """The socket, and the queue of what came over it."""

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
                done = threading.Event()
                self._jobs.put((json.loads(line), reply, done))
                done.wait()

    def run(self) -> None:
        """Do what is asked, for ever."""
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

                def tell(phase: str, done: int, total: int) -> None:
                    limit.again()
                    reply({"progress": [phase, done, total]})

                for step, arguments in request["do"]:
                    limit.again()
                    if step in program.untimed:
                        limit.stop()
                    given.append(getattr(program.steps, step)(tell, **arguments))
                    if (said := program.complaints()) and step not in program.untimed:
                        return {"error": "; ".join(said)}
        except DeadlineError:
            return {"error": f"{step}: {program.title} didn't finish within {request['seconds']} s"}
        except StepError as error:
            return {"error": str(error)}
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever is raised there is an answer
            traceback.print_exc()
            said = program.complaints() or [f"{type(error).__name__}: {error}"]
            return {"error": f"{step}: {'; '.join(said)}"}
        return {"ok": given}


def serve(descriptor: int, made: Callable[[], Program]) -> None:
    """Answer for the program that `made` gives, for ever, on the listening socket `descriptor`."""
    for kind in (signal.SIGINT, signal.SIGHUP):
        # a handler and not SIG_IGN, which what it starts would inherit: shells are ended by SIGHUP
        signal.signal(kind, lambda *_: None)
    server = Server(made())
    server.listen(descriptor)
    server.run()
