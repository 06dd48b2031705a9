"""Ask MaxiNet's Python and its workers, before anything is made, what would keep the network from running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from emulator.engines.driven import launch
from emulator.engines.driven.client import Driver
from emulator.engines.driven.launch import DriverPaths
from emulator.engines.maxinet import versions
from emulator.engines.maxinet.facts import reasons
from emulator.engines.maxinet.launch import TITLE, recipe, settings
from emulator.errors import EmulationError
from emulator.plan import Plan

_SECONDS = 40.0
_IMPORT_SECONDS = 30.0

_IMPORTS = r"""
import importlib, json, os, re, sys
sys.path.insert(0, sys.argv[1])
found = {"python": "%d.%d" % sys.version_info[:2]}
try:
    with open(os.path.join(sys.argv[1], "setup.py"), encoding="utf-8") as file:
        text = file.read()
    for key in ("name", "version"):
        found["copy_" + key] = re.search(r"\b" + key + r"\s*=\s*.([\w.-]+)", text).group(1)
except (OSError, ValueError, AttributeError):
    pass
for name in ("Pyro4", "mininet.topo", "MaxiNet.Frontend.maxinet"):
    try:
        module = importlib.import_module(name)
        if name == "Pyro4":
            found[name] = module.__version__
        if name == "mininet.topo":
            found["mininet"] = importlib.import_module("mininet.net").VERSION
    except BaseException as error:
        found.update(module=name, error=f"{type(error).__name__}: {error}")
        break
print("\n" + json.dumps(found))
"""
_FIXES = {
    "Pyro4": "`{python} -m pip install Pyro4==4.82`",
    "mininet.topo": (
        "`apt install mininet`, and make MaxiNet's virtual environment by "
        "`/usr/bin/python3 -m venv --system-site-packages`"
    ),
    "MaxiNet.Frontend.maxinet": (
        "`home` of the engine must be the folder that contains MaxiNet/, of a copy for Python 3 "
        "(such as github.com/BenchCouncil/MaxiNet; the first one, MaxiNet 1.2, is for Python 2)"
    ),
}


def preflight(plan: Plan) -> list[str]:
    """Return every reason why `plan` can't run on its workers now, each with the fix."""
    python, home = str(plan.options["python"]), str(plan.options["home"])
    if wrong := imports(python, home):
        return wrong
    with tempfile.TemporaryDirectory(prefix="emulator-maxinet-") as folder:
        paths = DriverPaths(Path(folder) / "driver")
        try:
            facts = _look(plan, paths)
        except EmulationError as error:
            return [_words(error, paths)]
    return reasons(plan, facts)


def imports(python: str, home: str) -> list[str]:
    """Return why `python` can't import MaxiNet and what it needs, or has versions that don't work."""
    try:
        done = subprocess.run(  # noqa: S603 -- the user's own Python, as a list
            [python, "-I", "-c", _IMPORTS, home], check=False, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=_IMPORT_SECONDS, cwd="/",
        )  # fmt: skip
        found: Mapping[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as error:
        return [f"{python} of the engine maxinet can't run Python code ({error}); correct `python:`"]
    wrong = list(versions.reasons(python, python, found, versions.DRIVER_PYTHON))
    if copy := versions.copy_reason(home, found.get("copy_name", ""), found.get("copy_version", "")):
        wrong.append(copy)
    elif "error" in found:
        name = str(found["module"])
        wrong.append(
            f"{python} can't import {name.partition('.')[0]} ({found['error']}); "
            f"{_FIXES[name].format(python=python)}"
        )
    return wrong


def _words(error: EmulationError, paths: DriverPaths) -> str:
    """Return the driver's answer; of one that couldn't even start, the last line of its log."""
    with suppress(OSError):
        log = paths.log.read_text(encoding="utf-8", errors="replace").strip()
        if "boot.py" in log:  # the traceback of its start
            return f"MaxiNet's driver can't start: {log.splitlines()[-1]}"
    return str(error)


def _look(plan: Plan, paths: DriverPaths) -> Mapping[str, Any]:
    """Return the driver's facts. The driver lives for this question only."""
    process = launch.start(recipe(plan.options, paths), paths)
    try:
        driver = Driver(plan.topology.name, TITLE, paths, process)
        (facts,) = driver.ask(("look", {"settings": settings(plan)}), seconds=_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    found: Mapping[str, Any] = facts
    return found
