"""Worker of the tests' carrier: calls come by standard input, answers go to standard output.

Each message is a line of JSON whose `size` is the number of bytes that follow it. Calls run in threads, or in
a process of their own: this file again, with `once`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pkgutil import resolve_name
from typing import IO, Any

from emulator.carriers.plain_errors import plain_error


def read_message(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    head = json.loads(line)
    return head, stream.read(head["size"])


def write_message(stream: IO[bytes], head: dict[str, Any], data: bytes = b"") -> None:
    stream.write(json.dumps(head | {"size": len(data)}, allow_nan=False).encode() + b"\n" + data)
    stream.flush()


class _Call:
    def __init__(self, worker: str, tell: Any) -> None:
        self.worker = worker
        self.tell = tell
        self.cancelled = threading.Event()

    @property
    def is_cancelled(self) -> bool:
        return self.cancelled.is_set()


class Server:
    def __init__(self, name: str, output: IO[bytes]) -> None:
        self._name = name
        self._output = output
        self._lock = threading.Lock()
        self._calls: dict[int, _Call] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def send(self, number: int, kind: str, value: Any, data: bytes = b"") -> None:
        with self._lock, suppress(BrokenPipeError):
            write_message(self._output, {"number": number, "kind": kind, "value": value}, data)

    def cancel(self, number: int) -> None:
        if number in self._calls:
            self._calls[number].cancelled.set()
        if number in self._processes:
            self._processes[number].send_signal(signal.SIGTERM)

    def cancel_all(self) -> None:
        for call in self._calls.values():
            call.cancelled.set()

    def run(self, head: dict[str, Any], data: bytes) -> None:
        number = head["number"]
        try:
            if head["own_process"]:
                self._apart(number, head, data)
                return
            call = self._calls[number] = _Call(self._name, lambda told: self.send(number, "told", told))
            answer = resolve_name(head["entry"])(call, head["arguments"], data)
            self.send(number, "answer", answer.value, answer.data)
        except BaseException as error:  # noqa: BLE001 -- sent to the caller
            self.send(number, "error", plain_error(error))

    def _apart(self, number: int, head: dict[str, Any], data: bytes) -> None:
        process = self._processes[number] = subprocess.Popen(
            [sys.executable, "-P", __file__, self._name, "once"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        write_message(process.stdin, head | {"own_process": False}, data)
        while (message := read_message(process.stdout)) is not None:
            told, more = message
            self.send(number, told["kind"], told["value"], more)
        if code := process.wait():
            words = f"the process of {head['entry']} ended with {code}"
            self.send(number, "error", {"kind": "BrokenError", "words": words})
        process.stdin.close()
        process.stdout.close()


def watch(server: Server) -> None:
    """Cancel the call once the process that started this one is gone."""
    while read_message(sys.stdin.buffer) is not None:
        pass
    server.cancel_all()


def main() -> None:
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what is printed isn't an answer
    server = Server(sys.argv[1], output)
    if "once" in sys.argv:
        message = read_message(sys.stdin.buffer)
        assert message is not None
        threading.Thread(target=watch, args=(server,), daemon=True).start()
        server.run(*message)
        sys.stderr.flush()
        os._exit(0)  # the watching thread waits in a read that Python would wait for
    print_ready = {"number": 0, "kind": "ready", "value": None}
    write_message(output, print_ready)
    while (message := read_message(sys.stdin.buffer)) is not None:
        head, data = message
        if head.get("cancel"):
            server.cancel(head["number"])
        else:
            threading.Thread(target=server.run, args=(head, data), daemon=True).start()


if __name__ == "__main__":
    main()
