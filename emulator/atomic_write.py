"""Write a small file so that a crash leaves the old or the new file, never a partial one."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write `text` (UTF-8) to `path`, mode 0600: to a file beside it, synced, then renamed over it.

    The folder isn't synced: after a power failure nothing runs any more, whatever the file contains. Raises
    OSError; then the old file stays, and nothing is left beside it.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(
            os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
