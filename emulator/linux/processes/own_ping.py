"""Fall back to our own ping on machines without one."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_CODE = (
    "import sys; sys.path.append(sys.argv.pop(1)); sys.argv[0] = 'ping'; "
    "from emulator.ping.main import main; main()"
)


def with_own_ping(argv: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return `argv`. If it begins with `ping` and no such program exists, replace it by `emulator.ping`.

    Python runs isolated (-I -S), so that neither the current folder nor PYTHONPATH affects code that runs as
    root. The imported modules of this project need only Python's standard library.
    """
    path = environment.get("PATH", os.environ.get("PATH", os.defpath))
    if not argv or argv[0] != "ping" or shutil.which("ping", path=path) is not None:
        return list(argv)
    return [sys.executable, "-I", "-S", "-c", _CODE, str(_ROOT), *argv[1:]]
