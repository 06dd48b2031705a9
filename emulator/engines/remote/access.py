"""Access to nodes on workers: through the driver, or by a command line that the driver names."""

from __future__ import annotations

import base64
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import ClassVar

from emulator.access import BinaryWriter, Capability, CaptureRequest, CaptureResult, Echo
from emulator.commands import TIMED_OUT, CommandResult, no_program
from emulator.engines.driven.client import STEP_SECONDS, Driver
from emulator.engines.driven.node_lines import program_name
from emulator.engines.limited_access import LimitedAccess
from emulator.engines.remote import ping
from emulator.errors import UnableError
from emulator.linux import capture
from emulator.linux.processes.wait import wait_for
from emulator.plan import Plan

_GRACE = 5.0
"""Seconds beyond a command's own time limit until its answer must be here."""
_HAS_TCPDUMP = ("sh", "-c", "command -v tcpdump")
_ABSENT = {1, 127}
"""Exit codes of shells for a program that `command -v` doesn't find."""
_NOT_FOUND = 127
"""Exit code of `env` and of shells for a program that doesn't exist, and perhaps of one that does."""
_FIND = ("sh", "-c", 'command -v -- "$1"', "sh")
_A_DAY = 24 * 3600.0
"""Time limit of a command that has none: something must end it if the driver hangs."""


class RemoteAccess(LimitedAccess):
    """Access to nodes through their driver. `plan()` and `driver()` return those of the network."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset({
        Capability.COMMANDS, Capability.TERMINAL, Capability.PING, Capability.CAPTURE,
    })  # fmt: skip

    def __init__(self, engine: str, plan: Callable[[], Plan], driver: Callable[[], Driver]) -> None:
        super().__init__(engine)
        self._plan = plan
        self._driver = driver

    def execute(
        self, nodes: Sequence[int], argv: Sequence[str], timeout: float | None = None
    ) -> Sequence[CommandResult]:
        """Run a command in each of `nodes`, many at once; UnableError if its program doesn't exist."""
        results = self.run([(node, argv) for node in nodes], timeout)
        for node, result in zip(nodes, results, strict=True):
            if result.code == _NOT_FOUND:
                self._require(node, argv[0])
                break  # nodes have the same programs
        return results

    def _require(self, node: int, program: str) -> None:
        """Raise UnableError if the node has no such program, as engines on this machine do."""
        (found,) = self.run([(node, (*_FIND, program))], _GRACE)
        if found.code in _ABSENT:
            raise UnableError(no_program([program], found.node))

    def run(
        self, commands: Sequence[tuple[int, Sequence[str]]], timeout: float | None = None
    ) -> list[CommandResult]:
        """Run commands, each in a node of its own or not, and return the results in order."""
        if not commands:
            return []
        plan = self._plan()
        documents = [
            {"node": program_name(plan, node), "argv": list(argv), "timeout": timeout}
            for node, argv in commands
        ]
        seconds = _A_DAY if timeout is None else timeout + _GRACE + STEP_SECONDS
        (found,) = self._driver().ask(("execute", {"commands": documents}), seconds=seconds)
        names = plan.topology.names
        return [
            CommandResult(names[node], code, base64.b64decode(output), base64.b64decode(errors))
            for (node, _), (code, output, errors) in zip(commands, found, strict=True)
        ]

    def interact(self, node: int, argv: Sequence[str], timeout: float | None = None) -> int:
        """Run a command in a node with this process's terminal."""
        words = self._local_command(node, argv, tty=True)

        def start(apart: bool) -> subprocess.Popen[bytes]:
            return subprocess.Popen(words, process_group=0 if apart else None)  # noqa: S603 -- the driver's words

        code = wait_for(start, timeout)
        if code == _NOT_FOUND:
            self._require(node, argv[0])
        return code

    def _local_command(self, node: int, argv: Sequence[str], *, tty: bool) -> list[str]:
        step = ("terminal", {"node": program_name(self._plan(), node), "argv": list(argv), "tty": tty})
        (found,) = self._driver().ask(step)
        # SSH must not outlive this process: the terminal in the node hangs up with it
        ending = ["setpriv", "--pdeathsig", "TERM", "--"] if shutil.which("setpriv") else []
        return [*ending, *(str(word) for word in found["argv"])]

    def check_filter(self, expression: str | None) -> None:
        """Raise UsageError when `expression` is no pcap filter, UnableError without tcpdump here."""
        capture.check_filter(expression)

    def capture(self, node: int, request: CaptureRequest, file: BinaryWriter) -> CaptureResult:
        """Record packets by the node's own tcpdump until the request is fulfilled, or Ctrl-C.

        UnableError when it has none.
        """
        (found,) = self.run([(node, _HAS_TCPDUMP)], _GRACE)
        if found.code in _ABSENT:
            plan = self._plan()
            worker = plan.workers[plan.placement[node]].name
            fix = f"install it where its programs are: in the image of the nodes, or on the worker {worker}"
            raise UnableError(f"{found.node} has no tcpdump; {fix}")
        words = self._local_command(node, capture.tcpdump_command("tcpdump", request), tty=False)
        return capture.run_tcpdump(lambda start: start(words), request, file)

    def ping(self, echoes: Sequence[Echo], timeout: float) -> Sequence[float | None]:
        """Ping from inside the nodes by their own `ping`."""
        times: list[float | None] = [None] * len(echoes)
        rounds = ping.rounds(echoes)
        commands = [
            (echoes[some[0]].source, ping.command([echoes[at].target for at in some], timeout))
            for some in rounds
        ]
        for some, result in zip(rounds, self.run(commands, timeout + _GRACE), strict=True):
            found = ping.answers(result.output) if result.code != TIMED_OUT else {}
            for at in some:
                times[at] = found.get(echoes[at].target)
        return times


def first_line(result: CommandResult) -> str:
    """Return the first line of a failed command's errors, for people."""
    lines = result.errors.decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else f"it ended with exit code {result.code}"
