"""Stand-in for an agent: access to nodes by JSON lines to another process.

It proves that no local object passes through an access: requests and answers are text, and the requesting
process has no namespace, socket or process of the network. The other process runs this file with the
network's name.
"""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from emulator import errors
from emulator.access import Access, BinaryWriter, Capability, CaptureRequest, CaptureResult, Echo
from emulator.commands import CommandResult
from emulator.engines.limited_access import LimitedAccess
from emulator.tasks import Task

CARRIED = (
    Capability.COMMANDS, Capability.PING, Capability.CAPTURE, Capability.TASKS,
)  # fmt: skip


class AgentAccess(LimitedAccess):
    """Access to the network `name` through a separate process."""

    capabilities = frozenset(CARRIED)

    def __init__(self, name: str) -> None:
        super().__init__("agent")
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def close(self) -> None:
        self._process.communicate(timeout=20)

    def execute(
        self, nodes: Sequence[int], argv: Sequence[str], timeout: float | None = None
    ) -> list[CommandResult]:
        found = self.call("execute", nodes=list(nodes), argv=list(argv), timeout=timeout)
        return [
            CommandResult(node, code, base64.b64decode(output), base64.b64decode(words))
            for node, code, output, words in found
        ]

    def ping(self, echoes: Sequence[Echo], timeout: float) -> list[float | None]:
        return self.call("ping", echoes=[asdict(echo) for echo in echoes], timeout=timeout)

    def check_filter(self, expression: str | None) -> None:
        self.call("check_filter", expression=expression)

    def capture(self, node: int, request: CaptureRequest, file: BinaryWriter) -> CaptureResult:
        packets, dropped, data = self.call("capture", node=node, request=asdict(request))
        file.write(base64.b64decode(data))
        return CaptureResult(packets, dropped)

    def start(self, task: Task) -> AgentTask:
        return AgentTask(self, self.call("start", entry=task.entry, arguments=task.arguments))

    def call(self, verb: str, **arguments: Any) -> Any:
        line = json.dumps([verb, arguments], allow_nan=False).encode() + b"\n"
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(line)
            self._process.stdin.flush()
            answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise error_of(answer["error"])
        return answer["found"]


class AgentTask:
    """Task that runs in the other process."""

    def __init__(self, access: AgentAccess, number: int) -> None:
        self._access = access
        self._number = number

    @property
    def failure(self) -> BaseException | None:
        found = self._access.call("failure", number=self._number)
        return None if found is None else error_of(found)

    def ask(self, request: Any = None) -> Any:
        return self._access.call("ask", number=self._number, request=request)

    def stop(self) -> Any:
        return self._access.call("stop", number=self._number)


def plain_error(error: BaseException) -> dict[str, Any]:
    return {"kind": type(error).__name__, "words": str(error), "errno": getattr(error, "errno", None)}


def error_of(found: dict[str, Any]) -> Exception:
    """Return an error of the original kind, as far as the text shows it."""
    kind = getattr(errors, found["kind"], None)
    if isinstance(kind, type) and found["kind"] not in {"KernelError", "RefusedError"}:
        return kind(found["words"])
    if found["errno"] is not None:
        return OSError(found["errno"], found["words"])
    return errors.BrokenError(f"{found['kind']}: {found['words']}")


class Agent:
    """Other side: answers calls with the access of this machine's engine."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tasks: list[Any] = []

    def answer(self, verb: str, arguments: dict[str, Any]) -> Any:
        match verb:
            case "execute":
                results = self._access.execute(**arguments)
                return [[one.node, one.code, _text(one.output), _text(one.errors)] for one in results]
            case "ping":
                echoes = [Echo(**echo) for echo in arguments["echoes"]]
                return list(self._access.ping(echoes, arguments["timeout"]))
            case "check_filter":
                return self._access.check_filter(**arguments)
            case "capture":
                return self._captured(arguments["node"], CaptureRequest(**arguments["request"]))
            case "start":
                self._tasks.append(self._access.start(Task(**arguments)))
                return len(self._tasks) - 1
            case "ask":
                return self._tasks[arguments["number"]].ask(arguments["request"])
            case "stop":
                return self._tasks[arguments["number"]].stop()
            case "failure":
                failure = self._tasks[arguments["number"]].failure
                return None if failure is None else plain_error(failure)
        raise ValueError(verb)

    def _captured(self, node: int, request: CaptureRequest) -> Any:
        file = io.BytesIO()
        result = self._access.capture(node, request, file)
        return [result.packets, result.dropped, _text(file.getvalue())]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def main() -> None:
    from emulator.engines.registry import attach

    agent = Agent(attach(sys.argv[1]).access)
    for line in sys.stdin:
        try:
            answer = {"found": agent.answer(*json.loads(line))}
        except Exception as error:  # noqa: BLE001 -- sent to the caller
            answer = {"error": plain_error(error)}
        sys.stdout.write(json.dumps(answer, allow_nan=False) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
