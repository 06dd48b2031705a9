"""Judge versions of what MaxiNet consists of against those that were seen to work (docs/engines.md). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

DRIVER_PYTHON = (3, 9)
"""Oldest Python of the driver."""
WORKER_PYTHON = (3, 8)
"""Oldest Python of MaxiNetWorker: both sides exchange pickles of protocol 5."""
_PYRO = (4, 82)
_MININET = (2, 3)
_COPY, _COPY_NAME = (1, 0), "MaxiNet-3"


def numbers(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version: `2.3.0d6` is (2, 3)."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def reasons(where: str, python: str, found: Mapping[str, str], oldest: tuple[int, int]) -> Iterator[str]:
    """Yield why the Python `python` at `where` is none that works, each with the fix.

    `found` has the versions that are known: `python`, `Pyro4`, `mininet`. An unknown one is not judged.
    """
    if (version := found.get("python")) and numbers(version) < oldest:
        yield (
            f"{where} runs Python {version}, and MaxiNet needs {oldest[0]}.{oldest[1]} or newer: make its "
            f"environment by such a one, `python3 -m venv --system-site-packages`"
        )
    if (version := found.get("Pyro4")) and not _PYRO <= numbers(version) < (_PYRO[0] + 1,):
        yield f"{where} has Pyro4 {version}, and 4.82 works: `{python} -m pip install Pyro4==4.82`"
    if (version := found.get("mininet")) and numbers(version) < _MININET:
        yield f"{where} has Mininet {version}, and 2.3.0 works: `apt install mininet` of Debian 12 or later"


def copy_reason(home: str, name: str, version: str) -> str:
    """Return why the copy of MaxiNet in `home` is none that works, by its setup.py; empty if unknown."""
    if not name or (name == _COPY_NAME and numbers(version) >= _COPY):
        return ""
    return (
        f"{home} holds {name} {version}, and MaxiNet-3 1.0 works, the one for Python 3: give the folder of "
        f"github.com/BenchCouncil/MaxiNet by `home:` of the engine"
    )
