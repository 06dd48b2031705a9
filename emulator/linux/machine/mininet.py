"""Find the Mininet of this machine."""

from __future__ import annotations

import os
import subprocess
from functools import cache

PYTHON = "/usr/bin/python3"
"""Python interpreter of Debian's Mininet; EMULATOR_MININET_PYTHON overrides it."""


def mininet_python() -> str:
    """Return the path of the Python that has Mininet."""
    return os.environ.get("EMULATOR_MININET_PYTHON") or PYTHON


@cache
def mininet_version() -> str | None:
    """Return the version of Mininet in its Python; None if it isn't installed."""
    try:
        words = [mininet_python(), "-I", "-c", "import mininet.net; print(mininet.net.VERSION)"]
        done = subprocess.run(words, capture_output=True, timeout=30, check=False)  # noqa: S603 -- our words
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() or None if done.returncode == 0 else None
