"""What a command that failed says: lines for people, an exit code, and an object for programs."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from topologies.errors import Problem

Told = tuple[int, str, Sequence["Problem"]]
"""Exit code, message, and the errors of an input file."""


def told(error: Exception) -> Told:
    """Print an error for people, one line each; return it for programs."""
    from emulator.errors import SHORTAGES
    from topologies.errors import EmulationError, InputError

    if isinstance(error, InputError):
        print(error, file=sys.stderr)
        return error.exit_code, str(error), error.problems
    if isinstance(error, EmulationError):
        return _said(error.exit_code, str(error))
    if isinstance(error, MemoryError):
        error = OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    if isinstance(error, OSError) and error.errno in SHORTAGES:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EROFS}:
            return _said(3, f"{error.strerror}; {SHORTAGES[error.errno]}")
        drop_output()
        where = f" {error.filename}" if error.filename else ""
        return _said(3, f"can't write{where}: {error.strerror}")
    if os.environ.get("EMULATOR_DEBUG"):
        import traceback

        traceback.print_exception(error)
    hint = "(a bug in the emulator; EMULATOR_DEBUG=1 shows where)"
    return _said(4, f"{type(error).__name__}: {error} {hint}")


def _said(code: int, message: str) -> Told:
    for line in message.splitlines():
        print(f"emulator: {line}", file=sys.stderr)
    return code, message, ()


def with_suggestion(error: click.ClickException) -> click.ClickException:
    """Return the error, with what an unknown option or word is called here.

    `--rate` is --bandwidth, as in files; `--test pingall` of Mininet is another command.
    """
    from topologies.suggestions import SYNONYMS

    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        known = {word for option in error.ctx.command.params for word in option.opts}
        ours = f"--{SYNONYMS.get(error.option_name.lstrip('-').replace('-', '_'), '')}"
        if ours in known:
            words = f"No such option '{error.option_name}'; did you mean `{ours}`?"
            return click.NoSuchOption(error.option_name, words, ctx=error.ctx)
    if isinstance(error, click.UsageError):
        from emulator.cli.habits import advised

        return advised(error)
    return error


def drop_output() -> None:
    """Discard pending output to standard output."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def error_object(code: int, message: str, problems: Sequence[Problem] = ()) -> dict[str, Any]:
    """Return the value of the key `error`: `place` is that of the first problem of a file, or None."""
    places = [
        {"file": one.file, "line": one.line or None, "column": one.column or None, "key": one.key or None}
        for one in problems
    ]
    found: dict[str, Any] = {"code": code, "message": message, "place": places[0] if places else None}
    if problems:
        found["problems"] = [
            {"message": one.message, "place": place} for one, place in zip(problems, places, strict=True)
        ]
    return found
