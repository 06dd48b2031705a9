"""Write the output of a command to a file, atomically, or to standard output."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from emulator.errors import UsageError


def write(text: Iterable[str | bytes], path: Path | None) -> None:
    """Write the pieces of `text` to `path`, or to standard output if it is None.

    An existing file is replaced only after everything is written. Encoding is UTF-8, whatever the locale,
    also on standard output, which is often a file too. UsageError if it can't be written.
    """
    if path is None:
        sys.stdout.flush()
        for piece in text:
            sys.stdout.buffer.write(_encoded(piece, "backslashreplace"))
        sys.stdout.buffer.flush()
        return
    try:
        if path.exists() and not path.is_file():
            _straight(text, path)  # a device or pipe can't be replaced
        else:
            _replaced(text, path.resolve())
    except OSError as error:
        raise UsageError(f"can't write {path}: {error.strerror}; give another path to -o") from error


def _encoded(piece: str | bytes, errors: str = "strict") -> bytes:
    return piece.encode(errors=errors) if isinstance(piece, str) else piece


def _straight(text: Iterable[str | bytes], path: Path) -> None:
    with path.open("wb") as file:
        file.writelines(map(_encoded, text))


def _replaced(text: Iterable[str | bytes], path: Path) -> None:
    mode = 0o666 & ~_umask() if not path.exists() else path.stat().st_mode & 0o7777
    descriptor, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(map(_encoded, text))
            os.fchmod(file.fileno(), mode)
        Path(part).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(part).unlink()
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
