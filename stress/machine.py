"""Facts of the machine that a run was done on."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from emulator.version import __version__

_PACKAGES = ("numpy", "psutil")


def machine_facts() -> dict[str, Any]:
    """Return kernel, processor, cores, memory in bytes, Python and package versions."""
    return {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": psutil.virtual_memory().total,
        "python": platform.python_version(),
        "versions": _versions(),
        "load_before": list(os.getloadavg()),
    }


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                return value.strip()
    return platform.processor() or "unknown"


def _versions() -> dict[str, str]:
    found = {"topology-emulator": __version__}
    for name in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
