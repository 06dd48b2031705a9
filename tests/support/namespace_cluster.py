"""A cluster of the tests: machines are network namespaces, workers are processes in them, no library carries.

Nothing but JSON and bytes passes between client and workers, as with any carrier. The machines are joined by
a bridge in a namespace of its own; the test machine's first namespace isn't touched.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from emulator import __version__
from emulator.carriers.plain_errors import error_of
from emulator.carriers.protocol import Answer, Call, Outcome, WorkerProgress, WorkerState
from emulator.closing import Closing
from emulator.errors import LostWorkerError
from support.namespace_worker import read_message, write_message
from support.wired_namespaces import HeldNamespace, wired

SCHEDULER = "tcp://127.0.0.1:1"
"""Address that stands for the machines; nothing listens there."""
_ADDRESSES = "10.77.0.{}"
_WORKER = Path(__file__).with_name("namespace_worker.py")


class Machine:
    """A network namespace with a worker in it that can be killed and started."""

    def __init__(self, name: str, address: str, root: Path, namespace: HeldNamespace) -> None:
        self.name = name
        self.address = address
        self.state = root / name
        self._namespace = namespace
        self.worker: WorkerProcess | None = None

    @property
    def entered(self) -> list[str]:
        """Words before a command that runs in the machine's network namespace alone."""
        return self._namespace.entered

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"EMULATOR_STATE_DIR": str(self.state)}

    def nsenter(self, *words: str) -> str:
        """Run a command in the machine's network namespace alone, and return its output."""
        return subprocess.run([*self.entered, *words], check=True, capture_output=True, text=True).stdout

    def start(self) -> None:
        """Start its worker."""
        self.worker = WorkerProcess(self)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `emulator` on the machine, with the worker's state directory."""
        return subprocess.run(
            [*self.entered, sys.executable, "-m", "emulator", *words], env=self.environment,
            capture_output=True, text=True, check=False, cwd="/",
        )  # fmt: skip

    def close(self) -> None:
        if self.worker is not None:
            self.worker.close()
        self.run("down", "--all")


class WorkerProcess:
    """The worker of a machine, and the calls under way."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._lock = threading.Lock()
        self._waiting: dict[int, queue.Queue[tuple[str, Any, bytes]]] = {}
        self.process = subprocess.Popen(
            [*machine.entered, sys.executable, "-P", str(_WORKER), machine.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env=machine.environment,
        )  # fmt: skip
        assert self.process.stdout is not None
        assert read_message(self.process.stdout) is not None
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        while (message := read_message(self.process.stdout)) is not None:
            head, data = message
            if (waiting := self._waiting.get(head["number"])) is not None:
                waiting.put((head["kind"], head["value"], data))
        for waiting in list(self._waiting.values()):
            waiting.put(("lost", None, b""))

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def begin(self, number: int, call: Call) -> queue.Queue[tuple[str, Any, bytes]]:
        waiting = self._waiting[number] = queue.Queue()
        head = {
            "number": number, "entry": call.entry, "arguments": dict(call.arguments),
            "own_process": call.own_process,
        }  # fmt: skip
        assert self.process.stdin is not None
        try:
            with self._lock:
                write_message(self.process.stdin, json.loads(json.dumps(head)), call.data)
        except (BrokenPipeError, ValueError):
            waiting.put(("lost", None, b""))
        return waiting

    def cancel(self, number: int) -> None:
        assert self.process.stdin is not None
        with self._lock, suppress(BrokenPipeError, ValueError):  # it was killed
            write_message(self.process.stdin, {"number": number, "cancel": True})

    def forget(self, number: int) -> None:
        self._waiting.pop(number, None)

    def kill(self) -> None:
        """Kill it, as `kill -9` does; processes that it started for calls live on."""
        self.process.kill()
        self._end()

    def close(self) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self._end()

    def _end(self) -> None:
        self.process.wait(20)
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


class NamespaceCarrier(Closing):
    """Carrier to the machines of a test."""

    def __init__(self, machines: Sequence[Machine]) -> None:
        self.machines = {machine.name: machine for machine in machines}
        self.calls: list[Call] = []
        self._numbers = iter(range(1, 1 << 30))

    @property
    def address(self) -> str:
        return SCHEDULER

    def workers(self) -> Mapping[str, WorkerState]:
        return {
            name: WorkerState(name, f"test://{machine.address}:9000", __version__)
            for name, machine in self.machines.items()
            if machine.worker is not None and machine.worker.alive
        }

    def call(
        self, calls: Sequence[Call], seconds: float, progress: WorkerProgress | None = None
    ) -> list[Outcome]:
        self.calls += calls
        begun: list[tuple[Call, int, WorkerProcess | None, queue.Queue[tuple[str, Any, bytes]]]] = []
        for call in calls:
            number, machine = next(self._numbers), self.machines.get(call.worker)
            worker = machine.worker if machine is not None else None
            if worker is None or not worker.alive:
                lost: queue.Queue[tuple[str, Any, bytes]] = queue.Queue()
                lost.put(("lost", None, b""))
                begun.append((call, number, None, lost))
            else:
                begun.append((call, number, worker, worker.begin(number, call)))
        end = time.monotonic() + seconds
        try:
            return [self._outcome(call, waiting, end, progress) for call, _, _, waiting in begun]
        finally:
            for _, number, worker, _ in begun:
                if worker is not None:
                    worker.cancel(number)
                    worker.forget(number)

    @staticmethod
    def _outcome(
        call: Call, waiting: queue.Queue[tuple[str, Any, bytes]], end: float, progress: WorkerProgress | None
    ) -> Outcome:
        while True:
            try:
                kind, value, data = waiting.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return Outcome(call.worker, error=LostWorkerError("it didn't answer in time"))
            if kind == "told" and progress is not None:
                progress(call.worker, value)
            elif kind == "answer":
                return Outcome(call.worker, Answer(value, data))
            elif kind == "error":
                return Outcome(call.worker, error=error_of(value))
            elif kind == "lost":
                return Outcome(call.worker, error=LostWorkerError("it can't be reached"))

    def close(self) -> None:
        pass


def assert_empty(machine: Machine) -> None:
    """Nothing of any network is left on a machine: its devices are those that the test made."""
    links = {link["ifname"] for link in json.loads(machine.nsenter("ip", "-j", "link"))}
    assert links == {"lo", "eth1"}
    assert {path.name for path in machine.state.glob("*")} <= {".ended"}


@contextmanager
def machines_of_test(
    count: int, mtu: int = 1500, *, apart: Container[int] = ()
) -> Iterator[NamespaceCarrier]:
    """Yield a carrier to `count` machines w1, w2, … that reach each other by eth1.

    Those of `apart` (numbers) have a user namespace of their own, and so limits of their own.
    """
    root = Path(tempfile.mkdtemp(prefix="emulator-cluster-", dir="/run"))
    machines: list[Machine] = []
    with wired(count, _ADDRESSES + "/24", "eth1", mtu, apart=apart) as namespaces:
        try:
            for number, namespace in enumerate(namespaces, 1):
                machines.append(Machine(f"w{number}", _ADDRESSES.format(number), root, namespace))
                machines[-1].start()
            yield NamespaceCarrier(machines)
        finally:
            for machine in machines:
                machine.close()
            shutil.rmtree(root, ignore_errors=True)
