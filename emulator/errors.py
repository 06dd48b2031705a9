"""Errors of plans, engines and the kernel; `topologies.errors` holds the root and exit codes."""

from __future__ import annotations

import errno
import os

from topologies.errors import EmulationError

__all__ = [
    "BrokenError",
    "EmulationError",
    "KernelError",
    "LostWorkerError",
    "MissingError",
    "NotWholeError",
    "RefusedError",
    "UnableError",
    "UsageError",
]


SHORTAGES = {
    errno.EMFILE: "raise the limit (ulimit -n 4096)",
    errno.ENFILE: "raise the limit (sysctl -w fs.file-max=1000000)",
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
    errno.EROFS: "mount it writable",
    errno.ENOMEM: "use a smaller network, or raise the limit (ulimit -v unlimited)",
}
"""Resources that a machine can run out of, by the kernel's error number, with the fix: exit code 3."""


def shortage_in(words: str) -> str | None:
    """Return the exhausted resource that a program's message names, with the fix; None without any."""
    found = (
        f"{os.strerror(code)}; {help_}" for code, help_ in SHORTAGES.items() if os.strerror(code) in words
    )
    return next(found, None)


class UsageError(EmulationError, ValueError):
    """Wrong input: an unknown network, node or link (exit code 2)."""

    exit_code = 2


class RefusedError(EmulationError):
    """The plan can't be carried out as requested, found before anything was created (exit code 3).

    `reasons` holds every reason found.
    """

    exit_code = 3

    def __init__(self, reasons: list[str]) -> None:
        self.reasons = reasons
        super().__init__("\n".join(reasons))


class UnableError(EmulationError):
    """The machine lacks something: root, a kernel feature, or a program (exit code 3)."""

    exit_code = 3


class BrokenError(EmulationError):
    """Something that should have worked failed (exit code 4)."""


class NotWholeError(BrokenError):
    """A part of the network that the command needs has ended; nothing was changed (exit code 1)."""

    exit_code = 1


class LostWorkerError(BrokenError):
    """A worker of a cluster can't be reached, or didn't answer in time."""


class MissingError(BrokenError, FileNotFoundError):
    """A part of a network was removed from outside: one node's namespace, or all of them."""

    def __str__(self) -> str:
        return str(self.args[0])


class KernelError(EmulationError, OSError):
    """The kernel refused an operation.

    `op` is the operation ("create link"), `target` its object, `errno` the kernel's number. `ext_ack` is
    the kernel's own message (NLMSGERR_ATTR_MSG), empty if there was none.
    """

    def __init__(self, op: str, target: str, code: int, ext_ack: str = "") -> None:
        self.op = op
        self.target = target
        if code in SHORTAGES:
            self.exit_code = UnableError.exit_code
        self.ext_ack = ext_ack
        words = f"{op} {target}: {os.strerror(code)}"
        if ext_ack:
            words += f" ({ext_ack})"
        hint = _HINTS.get(code)
        if hint:
            words += f"; {hint}"
        OSError.__init__(self, code, words)

    def __str__(self) -> str:
        return str(self.strerror)


_HINTS = {
    errno.EPERM: "run as root (sudo)",
    errno.ENOMEM: "the machine is out of memory; use a smaller network",
    errno.ENOSPC: "a kernel limit is reached; see `emulator doctor`",
    errno.EMFILE: "raise the open-files limit (ulimit -n)",
    errno.EOPNOTSUPP: "this kernel lacks the feature; see `emulator doctor`",
}
