"""Commands that run in nodes, and their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

TIMED_OUT = 124
"""Exit code of a command that was killed at its timeout, as with coreutils' timeout."""


@dataclass(frozen=True)
class CommandResult:
    """Result of a command in a node. Failure is a value."""

    node: str
    code: int
    output: bytes = b""
    errors: bytes = b""

    @property
    def failed(self) -> bool:
        """True when the exit code isn't 0."""
        return self.code != 0


Heard = Callable[[str, bytes, int], None]
"""Called with a node's name, a line without its end, and where it was printed: OUTPUT or ERRORS."""

OUTPUT, ERRORS = 1, 2
"""Standard output and standard error."""


_SIGNS = frozenset("|&;<>$`\"'*")
"""What makes a word a line for a shell."""


def no_program(argv: Sequence[str], node: str) -> str:
    """Return the message for a program that a node hasn't: its fix depends on what was probably meant."""
    program = argv[0]
    if program.startswith("-"):
        fix = "options of `emulator exec` go before the node"
    elif " " in program or _SIGNS.intersection(program):
        fix = f"a line for a shell is: sh -c '{program}'"
    elif "/" in program:
        fix = "check the path; nodes have the files of their machine"
    else:
        fix = "install it: nodes have the programs of their machine"
    return f"can't run `{program}` in {node}: there is no such program; {fix}"


class RunsCommands(Protocol):
    """Runs commands in nodes: an `Access` from outside, or the `Nodes` themselves in a task."""

    def execute(
        self, nodes: Sequence[int], argv: Sequence[str], timeout: float | None = None
    ) -> Sequence[CommandResult]:
        """Run a command in each of `nodes` at once and return the results, in order."""
        ...
