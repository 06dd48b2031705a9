"""The user's copy of MaxiNet: its import, its version, and what its front end asks of this machine."""

from __future__ import annotations

import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

from serving.server import StepError


def imported(home: str) -> Any:
    """Return MaxiNet's module of the front end; StepError if this Python can't import it.

    It would raise the MTU of the workers' own interfaces and leave it so. That isn't needed, since the plan
    lowers the MTU inside, and it fails on interfaces of VLANs and of containers (`eth0@if7`).
    """
    try:
        from MaxiNet.Frontend import maxinet
    except ImportError as error:
        raise StepError(f"{home} has no MaxiNet that this Python can use: {error}") from None
    maxinet.SSH_Tool.add_known_host = _tolerant(maxinet.SSH_Tool.add_known_host)
    maxinet.Worker._fix_mtus = lambda _: 0  # noqa: SLF001 -- MaxiNet has no setting for it
    return maxinet


def version(home: str) -> str:
    """Return the version of the copy of MaxiNet in `home`."""
    with suppress(OSError):
        if found := re.search(r"version\s*=\s*['\"]([^'\"]+)", (Path(home) / "setup.py").read_text("utf-8")):
            return found[1]
    return "of unknown version"


def _tolerant(add_known_host: Any) -> Any:
    """Return MaxiNet's function for front ends that aren't workers, on whose SSH port nothing listens."""
    if hasattr(add_known_host, "strict"):
        return add_known_host

    def tolerant(tool: Any, address: str) -> None:
        with suppress(*((subprocess.CalledProcessError,) if address == "localhost" else ())):
            add_known_host(tool, address)

    tolerant.strict = add_known_host  # type: ignore[attr-defined]
    return tolerant
