"""Errors as plain data: the far side's class, words and exit code arrive here, never a pickled object."""

from __future__ import annotations

import sys
import traceback

from emulator import errors
from emulator.errors import SHORTAGES, BrokenError, EmulationError, KernelError, RefusedError
from emulator.tasks import Plain
from topologies.errors import shortened

_BY_NAME: dict[str, type[EmulationError]] = {
    name: kind
    for name in errors.__all__
    if isinstance(kind := getattr(errors, name), type) and issubclass(kind, EmulationError)
}

_LONGEST = 100_000
"""Characters of an error's words; the rest is cut."""


def plain_error(error: BaseException) -> Plain:
    """Return an error as plain data. A bug's traceback goes to standard error: the log of this worker."""
    kind = next((base.__name__ for base in type(error).__mro__ if base.__name__ in _BY_NAME), "BrokenError")
    found = {"kind": kind, "words": str(error)[:_LONGEST]}
    if isinstance(error, KernelError):
        return found | {"op": error.op, "target": error.target, "errno": error.errno, "text": error.ext_ack}
    if isinstance(error, RefusedError):
        return found | {"reasons": error.reasons}
    if isinstance(error, EmulationError):
        return found | {"exit_code": error.exit_code}
    if isinstance(error, OSError) and error.errno in SHORTAGES:
        return {"kind": "UnableError", "words": f"{error}; {SHORTAGES[error.errno]}"}
    traceback.print_exception(error, file=sys.stderr)
    return found | {"words": f"{type(error).__name__}: {found['words']}"}


def error_of(found: Plain) -> EmulationError:
    """Return the error that `plain_error` turned into data; its exit code is the same.

    What another release wrote becomes a BrokenError.
    """
    try:
        kind = _BY_NAME.get(found["kind"], BrokenError)
        if issubclass(kind, KernelError):
            return KernelError(found["op"], found["target"], int(found["errno"]), found["text"])
        if issubclass(kind, RefusedError):
            return RefusedError([str(reason) for reason in found["reasons"]])
        error = kind(str(found["words"]))
        error.exit_code = int(found.get("exit_code", kind.exit_code))
    except (TypeError, ValueError, KeyError):
        return BrokenError(f"a worker answered with an unknown error: {shortened(repr(found), 200)}")
    return error
