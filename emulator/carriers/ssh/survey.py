"""What a machine has: a script that SSH hands to the Python there, which may be old and have nothing of ours.

It prints one JSON object. The first line of its input is this file; its facts are judged by `check`.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import socket
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

_DOCTOR_SECONDS = 60


def main(host: str, port: int) -> None:
    """Print the facts; `host` and `port` are where a scheduler or worker is to listen."""
    facts: dict[str, Any] = {"received": time.time()}
    facts.update(
        euid=os.geteuid(),
        python=list(sys.version_info[:3]),
        executable=sys.executable,
        kernel=platform.release(),
        addresses=_own(host),
        port_is_free=_free(host, port),
        free={path: _space(path) for path in ("/", "/run")},
        descriptors=resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        lacking=[name for name in ("distributed", "cryptography") if not _has(name)],
        release=_release(),
    )
    facts["findings"] = _findings() if facts["release"] else None
    facts["answered"] = time.time()
    sys.stdout.write(json.dumps(facts))


def _own(host: str) -> list[Any]:
    """Return the addresses of `host` that are this machine's: only those can be bound."""
    return [address for address, family in _resolved(host) if _binds(address, family, 0)]


def _free(host: str, port: int) -> bool:
    return any(_binds(address, family, port) for address, family in _resolved(host))


def _resolved(host: str) -> list[Any]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [(address[0], family) for family, _, _, _, address in found]


def _binds(address: str, family: int, port: int) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((address, port))
        except OSError:
            return False
    return True


def _space(path: str) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def _has(module: str) -> bool:
    from importlib.util import find_spec

    return find_spec(module) is not None


def _release() -> str:
    try:
        version = import_module("emulator")  # of the machine's own Python
    except ImportError:
        return ""
    return str(version.__version__)


def _findings() -> list[Any]:
    """Return what the emulator there says about its machine; nothing if it can't."""
    words = [sys.executable, "-I", "-m", "emulator", "doctor", "--json"]
    try:
        done = subprocess.run(  # noqa: S603 -- our own words, no shell
            words, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=_DOCTOR_SECONDS
        )
        return list(json.loads(done.stdout)["findings"])
    except (OSError, ValueError, KeyError, subprocess.SubprocessError):
        return []


def script(host: str, port: int) -> str:
    """Return this file as a script for the machine that is to listen at `host` and `port`."""
    return Path(__file__).read_text(encoding="utf-8") + f"\nmain({host!r}, {port!r})\n"
