"""Errors of functions on workers as plain data, and back: kind, words, exit code, the kernel's number."""

from __future__ import annotations

from emulator import errors
from emulator.errors import BrokenError, EmulationError, KernelError, RefusedError
from emulator.tasks import Plain

_BY_NAME = {
    name: kind
    for name in errors.__all__
    if isinstance(kind := getattr(errors, name), type) and issubclass(kind, EmulationError)
}


def plain_error(error: BaseException) -> Plain:
    """Return an error as plain data. One that isn't ours becomes a BrokenError on the way back."""
    found = {"kind": type(error).__name__, "words": str(error)}
    if isinstance(error, KernelError):
        return found | {"op": error.op, "target": error.target, "errno": error.errno, "text": error.ext_ack}
    if isinstance(error, RefusedError):
        return found | {"reasons": error.reasons}
    if isinstance(error, EmulationError):
        return found | {"exit_code": error.exit_code}
    return found | {"words": f"{type(error).__name__}: {error}"}


def error_of(found: Plain) -> EmulationError:
    """Return the error that `plain_error` turned into data; its exit code is the same."""
    kind = _BY_NAME.get(found["kind"], BrokenError)
    if issubclass(kind, KernelError):
        return KernelError(found["op"], found["target"], found["errno"], found["text"])
    if issubclass(kind, RefusedError):
        return RefusedError(list(found["reasons"]))
    error = kind(found["words"])
    error.exit_code = found.get("exit_code", kind.exit_code)
    return error
