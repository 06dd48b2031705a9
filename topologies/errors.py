"""Errors: the root of all errors that this project raises, and the errors of an invalid input.

The three packages share one hierarchy. It starts here because `topologies` may not import the other
two. Each error says what happened, to which object, and how to fix it.

Text from a file is not trusted to be printable: a name may hold escape sequences that move a
terminal's cursor or retitle its window. `printable` is applied where an error becomes text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

Loc = tuple[str | int, ...]
"""Path in a document: keys of mappings and positions in lists."""

MAX_WORDS = 400
"""Longest message in characters: one line must stay readable."""

MAX_SHOWN = 200
"""Largest number of problems that one error prints."""

MAX_FOUND = 1000
"""Largest number of problems to look for: reading and validating stop there."""

_UNCOUNTED = "and more problems, which weren't counted; fix these first"
_PLAIN_KEY = re.compile(r"[\w*-]+")


class EmulationError(Exception):
    """Root of all errors raised by this project.

    `exit_code` is the exit code of the command line: 1 the network isn't whole, 2 invalid input, 3 not
    possible on this machine, 4 failure.
    """

    exit_code = 4


def printable(text: str) -> str:
    r"""Return `text` on one safe line, unprintable characters escaped (`\n`, `\x1b`, `\u202e`)."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def shortened(text: str, most: int = 60) -> str:
    """Return `text` on one safe line of at most `most` characters; its middle is left out."""
    if len(text) > most:
        text = f"{text[: most - 16]}…{text[-15:]}"
    return printable(text)


def dotted(path: Loc) -> str:
    """Return a path as text: `links[0].bandwidth`, `nodes["a/b"].ip`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            word = shortened(step)
            text += f".{word}" if text else word
        else:
            text += f'["{shortened(step)}"]'
    return text


@dataclass(frozen=True, slots=True)
class Problem:
    """One error in an input file.

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
        words = printable(self.message)
        if len(words) > MAX_WORDS:
            words = f"{words[: MAX_WORDS - 1]}…"
        return f"{printable(place)}: {self.key}: {words}" if self.key else f"{printable(place)}: {words}"


class InputError(EmulationError, ValueError):
    """Invalid input; `problems` holds the errors found, in file order, each once.

    They are complete up to MAX_FOUND; the errors beyond are not counted.
    """

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique = dict.fromkeys(problems)
        self.problems = sorted(unique, key=lambda p: (p.line, p.column, p.key, p.message))
        lines = [str(problem) for problem in self.problems[:MAX_SHOWN]]
        if len(self.problems) > MAX_SHOWN:
            more = len(self.problems) - MAX_SHOWN
            known = len(self.problems) < MAX_FOUND
            lines.append(f"and {more:,} problems more; fix these first" if known else _UNCOUNTED)
        super().__init__("\n".join(lines))


class ParameterError(EmulationError, ValueError):
    """Invalid value that only the builder can detect; `loc` is its path in the document.

    The caller that has the file turns it into an `InputError` with a line and a column.
    """

    exit_code = 2

    def __init__(self, loc: Loc, message: str) -> None:
        self.loc = loc
        self.message = message
        super().__init__(f"{dotted(loc)}: {printable(message)}" if loc else printable(message))


class ParametersError(ParameterError):
    """Several invalid values found together, in `errors`; the message is that of the first."""

    def __init__(self, errors: Sequence[ParameterError]) -> None:
        parts = (error.errors if isinstance(error, ParametersError) else (error,) for error in errors)
        self.errors: tuple[ParameterError, ...] = tuple(chain.from_iterable(parts))
        super().__init__(self.errors[0].loc, self.errors[0].message)

    @staticmethod
    @contextmanager
    def collect(errors: list[ParameterError]) -> Iterator[None]:
        """Add the error of the block to `errors`, instead of raising it."""
        try:
            yield
        except ParameterError as error:
            errors.append(error)

    @staticmethod
    def raise_any(errors: Sequence[ParameterError]) -> None:
        """Raise `errors` together; do nothing without any."""
        if errors:
            raise ParametersError(errors) if len(errors) > 1 else errors[0]
