"""Machines made of network namespaces on this computer, joined by an underlay: each has its own share.

A machine is a network namespace, a state directory, and a process that entered this namespace alone, as a
worker on a real machine would run. The underlay is a bridge in a namespace of its own, with an MTU of 1,500.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from support.wired_namespaces import wired


class MachineError(Exception):
    """An error on a machine."""


@dataclass
class Machine:
    """One machine: its number, and the process that carries out requests there."""

    number: int
    start: Callable[[], subprocess.Popen[str]]

    def __post_init__(self) -> None:
        self.process, self._answers = self.start(), False

    def _send(self, do: str, keys: dict[str, Any]) -> None:
        """Send a request, once the process has said that it answers."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if not self._answers:
            self._answers = bool(self.process.stdout.readline())
        self.process.stdin.write(json.dumps({"do": do, **keys}) + "\n")
        self.process.stdin.flush()

    def __call__(self, do: str, **keys: Any) -> Any:
        """Carry out a verb of `support.machine_agent.Agent`; MachineError with its error."""
        self._send(do, keys)
        assert self.process.stdout is not None
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise MachineError(f"w{self.number + 1}: {answer['error']}")
        return answer["answer"]

    def killed_during(self, do: str, seconds: float, **keys: Any) -> None:
        """Begin a verb, kill the process that carries it out after some seconds, and start another."""
        self._send(do, keys)
        time.sleep(seconds)
        self.process.kill()
        self.process.communicate()
        self.process, self._answers = self.start(), False

    def end(self) -> None:
        """End the process."""
        self.process.communicate(timeout=60)

    def shell(self, command: str) -> str:
        """Run a command on the machine itself and return its output; it must succeed."""
        code, output = self("shell", command=command)
        assert code == 0, output
        return str(output)


@dataclass
class Machines:
    """Machines of one test. Worker k has the underlay address 10.99.0.k, or fd99::k."""

    machines: list[Machine]
    ipv6: bool = False

    def __getitem__(self, number: int) -> Machine:
        return self.machines[number]

    def request(self, text: str, placement: dict[str, int], **underlay: Any) -> dict[str, Any]:
        """Return the request that brings up a network, but for its share."""
        form = "fd99::{}" if self.ipv6 else "10.99.0.{}"
        addresses = {f"w{n + 1}": form.format(n + 1) for n in range(len(self.machines))}
        options = {"underlay": {"vni": 100, "addresses": addresses, **underlay}}
        return {"text": text, "placement": placement, "workers": len(self.machines), "options": options}

    def up(self, text: str, placement: dict[str, int], **underlay: Any) -> list[Any]:
        """Bring up each machine's share; return what each says."""
        request = self.request(text, placement, **underlay)
        return [machine("up", **request, share=machine.number) for machine in self.machines]

    def all(self, do: str, **keys: Any) -> list[Any]:
        """Carry out a verb on each machine."""
        return [machine(do, **keys) for machine in self.machines]


@contextmanager
def machines(count: int, state: Path, *, ipv6: bool = False) -> Iterator[Machines]:
    """Make `count` machines with state directories below `state`, and remove them at the end."""
    with ExitStack() as stack:
        form = "fd99::{}/64" if ipv6 else "10.99.0.{}/24"
        made = []
        for number, namespace in enumerate(stack.enter_context(wired(count, form, "under0"))):
            environment = {
                **os.environ, "EMULATOR_STATE_DIR": str(state / f"w{number + 1}"),
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            }  # fmt: skip
            words = [*namespace.entered, sys.executable, "-m", "support.machine_agent"]
            start = partial(
                subprocess.Popen, words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                env=environment,
            )  # fmt: skip
            made.append(Machine(number, start))
            stack.callback(made[-1].end)
        found = Machines(made, ipv6)
        try:
            yield found
        finally:
            found.all("down_all")
            for number in range(count):
                folder = state / f"w{number + 1}"
                if folder.is_dir():
                    folder.rmdir()
            if state.is_dir():
                state.rmdir()
