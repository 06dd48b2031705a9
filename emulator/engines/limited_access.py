"""An access without any capability: each engine's own access adds its capabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from emulator.access import BinaryWriter, Capability, CaptureRequest, CaptureResult, Echo, LineShell
from emulator.commands import ERRORS, OUTPUT, CommandResult, Heard
from emulator.engines.line_by_line import LineByLine
from emulator.errors import UnableError
from emulator.parts import RunsParts
from emulator.tasks import RunningTask, Task


class LimitedAccess:
    """Refuses every operation. A subclass that overrides a method adds its capability to `capabilities`."""

    capabilities: ClassVar[frozenset[Capability]] = frozenset()

    def __init__(self, engine: str) -> None:
        self._engine = engine

    @property
    def places(self) -> RunsParts | None:
        """None: all nodes are reached from here."""
        return None

    def supports(self, capability: Capability) -> bool:
        """Return whether the engine has `capability`."""
        return capability in self.capabilities

    def execute(
        self, nodes: Sequence[int], argv: Sequence[str], timeout: float | None = None
    ) -> Sequence[CommandResult]:
        """Refuse to run a command."""
        del nodes, argv, timeout
        raise self._unable(Capability.COMMANDS)

    def stream(
        self, nodes: Sequence[int], argv: Sequence[str], heard: Heard, timeout: float | None = None
    ) -> Sequence[int]:
        """Run a command in each of `nodes`, and give its output to `heard` once all have ended."""
        codes = []
        for result in self.execute(nodes, argv, timeout):
            for output, number in ((result.output, OUTPUT), (result.errors, ERRORS)):
                for line in output.splitlines():
                    heard(result.node, line, number)
            codes.append(result.code)
        return codes

    def interact(self, node: int, argv: Sequence[str], timeout: float | None = None) -> int:
        """Refuse to open a terminal."""
        del node, argv, timeout
        raise self._unable(Capability.TERMINAL)

    def line_shell(self, node: int) -> LineShell:
        """Return what runs each line in a shell of its own."""
        return LineByLine(lambda argv: self.interact(node, argv))

    def ping(self, echoes: Sequence[Echo], timeout: float) -> Sequence[float | None]:
        """Refuse to ping."""
        del echoes, timeout
        raise self._unable(Capability.PING)

    def check_filter(self, expression: str | None) -> None:
        """Refuse: there is nothing to filter."""
        del expression
        raise self._unable(Capability.CAPTURE)

    def capture(self, node: int, request: CaptureRequest, file: BinaryWriter) -> CaptureResult:
        """Refuse to record."""
        del node, request, file
        raise self._unable(Capability.CAPTURE)

    def start(self, task: Task) -> RunningTask:
        """Refuse to start a task."""
        del task
        raise self._unable(Capability.TASKS)

    def open_console(self) -> None:
        """Refuse: the engine has no command line of its own."""
        raise self._unable(Capability.CONSOLE)

    def _unable(self, capability: Capability) -> UnableError:
        return UnableError(f"the engine {self._engine} can't {capability}")
