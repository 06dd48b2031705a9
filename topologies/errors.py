"""The root of every error this project raises, and the errors of a wrong input.

One hierarchy for the three packages: it starts here because `topologies` may import
nothing of the other two. Each error says what happened, to which object, and what mends it.
"""

from __future__ import annotations

from dataclasses import dataclass


class EmulationError(Exception):
    """Root of all errors raised by this project.

    `exit_code` is what the command line ends with: 2 wrong input, 3 this machine can't,
    4 it broke.
    """

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in an input file.

    `line` and `column` count from 1 (0 when the place is unknown); `key` is the dotted path
    of the value, empty for the whole file.
    """

    file: str
    line: int
    column: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"


class InputError(EmulationError, ValueError):
    """The input is wrong; `problems` holds every problem found, in file order."""

    exit_code = 2

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems, key=lambda p: (p.line, p.column, p.key))
        super().__init__("\n".join(map(str, self.problems)))


class ParameterError(EmulationError, ValueError):
    """A value is wrong and only the builder can know; `loc` is its path in the document.

    Whoever holds the file turns it into an `InputError` with a line and a column.
    """

    exit_code = 2

    def __init__(self, loc: tuple[str | int, ...], message: str) -> None:
        self.loc = loc
        self.message = message
        super().__init__(f"{'.'.join(map(str, loc))}: {message}" if loc else message)
