"""Reasons why Distrinet can't run on the workers of a plan: asked through its own Python and its own SSH.

Distrinet doesn't check the keys of hosts, and neither does this: the network between here and the workers
must be trusted.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

from emulator.engine_options import Options
from emulator.engines.distrinet.launch import TITLE, passing_driver
from emulator.engines.distrinet.settings import settings
from emulator.engines.distrinet.worker_reasons import numbers, worker_reasons
from emulator.errors import EmulationError
from emulator.plan import Plan

_IMPORTS = """
import importlib.metadata, importlib.util, json, os, re, sys
home = sys.argv[1]
there = [f for f in (os.path.join(home, "mininet"), home)
         if os.path.isfile(os.path.join(f, "mininet", "distrinet.py"))]
sys.path[:0] = there
missing = [name for name in ("asyncssh", "paramiko", "yaml") if importlib.util.find_spec(name) is None]
if sys.version_info >= (3, 12) and importlib.util.find_spec("setuptools") is None:
    missing.append("setuptools")
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
def said(folder):
    with open(os.path.join(folder, "mininet", "distrinet.py"), encoding="utf-8", errors="replace") as file:
        found = re.search(r"^VERSION *= *.([0-9.]+)", file.read(), re.M)
        return found[1] if found else ""
print(json.dumps({
    "version": sys.version_info[:2], "missing": missing, "there": bool(there),
    "asyncssh": version("asyncssh"), "release": said(there[0]) if there else "",
}))
"""
_PACKAGES = {"yaml": "PyYAML"}
_OLDEST, _OLDEST_ASYNCSSH = (3, 11), (2, 15)
_DISTRINET = 2
"""The major version of Distrinet whose classes the driver extends."""
_SECONDS = 60.0


def preflight(plan: Plan) -> list[str]:
    """Return every reason why the interpreter or the workers can't carry out `plan`, each with the fix."""
    if reasons := list(_interpreter(plan.options)):
        return reasons
    try:
        given = settings(plan)
        with passing_driver(plan.options) as driver:
            (found,) = driver.ask(("look", {"settings": given}), seconds=_SECONDS)
    except EmulationError as error:
        return [str(error)]
    return [reason for number in range(len(plan.workers)) for reason in worker_reasons(plan, number, found)]


def _interpreter(options: Options) -> Iterator[str]:
    """Yield what is wrong with Distrinet's Python and its folder."""
    python, home = str(options["python"]), str(options["home"])
    try:
        words = [python, "-I", "-c", _IMPORTS, home]
        done = subprocess.run(words, capture_output=True, timeout=30, check=True)  # noqa: S603 -- our words
        found = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        yield f"{python}, the Python of {TITLE}, can't be run ({error}); correct `python:` of the engine"
        return
    if tuple(found["version"]) < _OLDEST:
        yield f"{python} is Python {'.'.join(map(str, found['version']))}; the driver needs 3.11 or later"
    if found["missing"]:
        packages = " ".join(_PACKAGES.get(name, name) for name in found["missing"])
        yield f"{python} lacks what {TITLE} imports; `{python} -m pip install {packages}`"
    if not found["there"]:
        yield f"{home} holds no mininet/distrinet.py; give the folder of Distrinet's sources by `home:`"
    if found["asyncssh"] and numbers(found["asyncssh"]) < _OLDEST_ASYNCSSH:
        need = ".".join(map(str, _OLDEST_ASYNCSSH))
        fix = f"`{python} -m pip install --upgrade asyncssh`"
        yield f"{python} has asyncssh {found['asyncssh']}; the driver needs {need} or later; {fix}"
    if found["release"] and numbers(found["release"])[0] != _DISTRINET:
        there = f"{TITLE} {found['release']}"
        yield f"{home} is {there}, the driver is for version {_DISTRINET}; use a copy of that version"
