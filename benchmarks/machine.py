"""Facts of the machine on which figures were measured."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path


def facts() -> dict[str, object]:
    """Return kernel, processor, cores, memory, Python, date, and load of the machine; no host name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "kernel": platform.release(),
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def free_gib() -> float:
    """Return the memory that could be used without swapping, in GiB."""
    for text in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        key, _, value = text.partition(":")
        if key == "MemAvailable":
            return int(value.split()[0]) / 2**20
    raise RuntimeError("/proc/meminfo has no MemAvailable")


def kernel_threads() -> dict[str, float]:
    """Return the seconds that each of the kernel's threads has run, by process id (schedstat of proc(5)).

    Their parent is process 2. A thread may end at any time, and takes its seconds with it.
    """
    out = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                stat = (folder / "stat").read_text(encoding="utf-8")
                if stat.rpartition(")")[2].split()[1] == "2":
                    out[folder.name] = int((folder / "schedstat").read_text().split()[0]) / 1e9
    return out


@contextmanager
def raised(needs: Mapping[str, int]) -> Iterator[None]:
    """Raise sysctls (by their names with dots) to at least these values, and set them back at the end."""
    before: dict[Path, int] = {}
    try:
        for name, least in needs.items():
            path = Path("/proc/sys", *name.split("."))
            value = int(path.read_text(encoding="ascii"))
            if value < least:
                before[path] = value
                path.write_text(str(least), encoding="ascii")
        yield
    finally:
        for path, value in before.items():
            path.write_text(str(value), encoding="ascii")


def line(about: dict[str, object]) -> str:
    """Return the facts as one line."""
    return (
        f"Linux {about['kernel']}, {about['cpu']}, {about['cores']} cores, {about['memory_gib']} GiB, "
        f"Python {about['python']}, {about['date']}; load before the run {about['load']}."
    )


def _processor() -> str:
    for text in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        key, _, value = text.partition(":")
        if key.strip() == "model name":
            return value.strip()
    return platform.machine()
