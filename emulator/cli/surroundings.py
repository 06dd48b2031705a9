"""Prepare for the caller's environment: closed streams, streams with a limited encoding, memory limits."""

from __future__ import annotations

import os
import resource
import sys
from io import TextIOWrapper

_LEAST_MEMORY = 256 << 20
"""Bytes of address space: Python with numpy has 100 MiB, a small network needs 100 more."""

_THREADS = "OPENBLAS_NUM_THREADS"


def open_streams() -> None:
    """Open closed standard streams (`>&-`) on /dev/null, so that no other file gets their numbers.

    Characters that standard output can't encode, in a locale without UTF-8, are escaped, as on standard
    error. Bytes of standard input that are no text pass through unchanged.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
            os.set_inheritable(number, True)  # noqa: FBT003 -- takes no names
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if isinstance(sys.stdin, TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")


def require_memory() -> None:
    """Raise UnableError if the address space is limited (`ulimit -v`) to less than any command needs.

    numpy's linear algebra reserves memory for each processor when it is loaded, and ends the process if it
    can't. Under a limit it is loaded here for one processor, which is all that the emulator uses.
    """
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most == resource.RLIM_INFINITY:
        return
    if most < _LEAST_MEMORY:
        from emulator.errors import UnableError

        raise UnableError(
            f"memory is limited to {most >> 20} MiB (ulimit -v), and this needs {_LEAST_MEMORY >> 20} MiB; "
            f"raise the limit (ulimit -v unlimited)"
        )
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = "1"
    try:
        import numpy as np  # noqa: F401
    except ImportError as error:  # "failed to map segment from shared object"
        raise MemoryError from error
    finally:
        del os.environ[_THREADS]
        if before is not None:
            os.environ[_THREADS] = before
