"""Answers requests: JSON lines on a UNIX socket, one at a time, in the order in which they come.

Rules of the protocol:
1. A request is one line, `{"do": [[step, {argument: value}], …], "seconds": s}`: the steps are done in
   order, and each of their parts may take `s` seconds.
2. While they are done, lines `{"progress": [phase, done, total]}` may come.
3. The last line is `{"ok": [what each step gave]}` or `{"error": words}`; the steps after one that failed
   aren't done.
Threads only read and write the socket. Mininet isn't made for threads: the main one works it.
"""

from __future__ import annotations

import json
import logging
import queue
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from driver.build import Builder, StepError, empty_network
from driver.deadline import DeadlineError, deadline
from driver.steps import Steps
from mininet.log import lg, setLogLevel

SOCKET = "driver.sock"
_HARMLESS = ("quantum of class",)
"""What Mininet reports as an error and isn't: htb's remark on a fast link."""

Job = tuple[dict[str, Any], Callable[[dict[str, Any]], None], threading.Event]


class _Complaints(logging.Handler):
    """Collects what Mininet only prints when something fails."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the words."""
        words = record.getMessage().strip().lstrip("*").strip()
        if words and not any(part in words for part in _HARMLESS):
            self.said.append(words)


class Server:
    """The socket, and the queue of what came over it."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[Job] = queue.Queue()
        self._complaints = _Complaints()
        lg.addHandler(self._complaints)
        self._steps = Steps(Builder(empty_network()))

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
                if self._steps.console.is_open:
                    reply({"error": "Mininet's command line is open on another terminal; leave it first"})
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
        self._complaints.said.clear()
        given = []
        step = ""
        try:
            with deadline(request["seconds"]) as limit:

                def tell(phase: str, done: int, total: int) -> None:
                    limit.again()
                    reply({"progress": [phase, done, total]})

                for step, arguments in request["do"]:
                    limit.again()
                    if step == "cli":
                        signal.setitimer(signal.ITIMER_REAL, 0)
                    given.append(getattr(self._steps, step)(tell, **arguments))
                    if self._complaints.said and step != "cli":
                        return {"error": "; ".join(self._complaints.said)}
        except DeadlineError:
            return {"error": f"{step}: Mininet didn't finish within {request['seconds']} s"}
        except StepError as error:
            return {"error": str(error)}
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever Mininet raises is an answer
            traceback.print_exc()
            said = "; ".join(self._complaints.said) or f"{type(error).__name__}: {error}"
            return {"error": f"{step}: {said}"}
        return {"ok": given}


def main() -> None:
    """Serve on the descriptor that is named by the first argument."""
    setLogLevel("warning")
    for kind in (signal.SIGINT, signal.SIGHUP):
        # a handler and not SIG_IGN, which Mininet's shells would inherit: it ends them by SIGHUP
        signal.signal(kind, lambda *_: None)
    server = Server()
    server.listen(int(sys.argv[1]))
    server.run()
