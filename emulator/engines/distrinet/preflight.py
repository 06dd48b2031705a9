"""Reasons why Distrinet can't run on the workers of a plan: asked through its own Python and its own SSH.

Distrinet doesn't check the keys of hosts, and neither does this: the network between here and the workers
must be trusted.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.engine_options import Options
from emulator.engines.distrinet.launch import TITLE, passing_driver
from emulator.engines.distrinet.settings import image, mark, settings
from emulator.errors import EmulationError
from emulator.plan import Plan
from topologies.quantities import SIZE

Facts = Mapping[str, Any]
_IMPORTS = """
import importlib.util, json, os, sys
home = sys.argv[1]
there = [f for f in (os.path.join(home, "mininet"), home)
         if os.path.isfile(os.path.join(f, "mininet", "distrinet.py"))]
sys.path[:0] = there
missing = [name for name in ("asyncssh", "paramiko", "yaml") if importlib.util.find_spec(name) is None]
if sys.version_info >= (3, 12) and importlib.util.find_spec("setuptools") is None:
    missing.append("setuptools")
print(json.dumps({"version": sys.version_info[:2], "missing": missing, "there": bool(there)}))
"""
_PACKAGES = {"yaml": "PyYAML"}
_OLDEST = (3, 11)
_SECONDS = 60.0
NODE_MEMORY = 24 << 20
"""Bytes for a container with an SSH daemon and a shell; measured, see docs/engines.md."""
SESSIONS = 8
"""Sessions on one SSH connection that the driver uses; sshd allows 10 unless configured."""


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


def worker_reasons(plan: Plan, number: int, found: Mapping[str, Facts]) -> Iterator[str]:
    """Yield what is wrong with one worker, by the facts that the driver has found."""
    name = plan.workers[number].name
    facts = found[name]
    if "error" in facts:
        yield f"worker {facts['error']}; start it, open its port 22, or correct `workers:`, `key:` or `jump:`"
        return
    if facts["user"] != "0":
        yield f"worker {name}: SSH logs in as user id {facts['user']}; Distrinet needs root"
    fixes = {"lxc": "lxd", "brctl": "bridge-utils", "ifconfig": "net-tools", "ip": "iproute2"}
    if lacking := [program for program in fixes if program not in facts["has"]]:
        packages = " ".join(fixes[program] for program in lacking)
        yield f"worker {name} lacks {', '.join(lacking)}; `apt install {packages}`"
    elif "lxd" not in facts["has"]:
        yield f"worker {name}: LXD doesn't answer; start it (`systemctl start lxd`, `lxd init --minimal`)"
    elif "image" not in facts["has"]:
        wanted = image(plan.options)
        fix = f"`lxc image import FILE --alias {wanted}`, or give another by `image:`"
        yield f"worker {name} has no LXD image called {wanted}; {fix}"
    if "vxlan" not in facts["has"] and len(plan.workers) > 1:
        yield f"worker {name}: its kernel has no vxlan for tunnels; `modprobe vxlan`"
    yield from _queues(plan, number, facts)
    yield from _sshd(name, facts)
    if (taken := facts["network"]) and taken != mark(plan.topology.name):
        yield f"worker {name} has the network {taken}, and Distrinet takes one per worker; take it down"
    elif facts["devices"] and not taken:
        yield f"worker {name} has devices of a Distrinet that isn't ours ({facts['devices']}); delete them"
    need = int((plan.placement == number).sum()) * NODE_MEMORY
    if 0 < facts["memory"] < need and not taken:
        free = SIZE.text(facts["memory"])
        yield f"worker {name} has {free} of memory, its nodes need {SIZE.text(need)}; add a worker"


def _queues(plan: Plan, number: int, facts: Facts) -> Iterator[str]:
    """Yield queues that a worker's kernel lacks for the links of its nodes."""
    topology = plan.topology
    name = plan.workers[number].name
    here = (plan.placement[topology.ends] == number).any(axis=1)
    profiles = [topology.link_profiles[int(i)] for i in sorted(set(topology.link_profile[here].tolist()))]
    shapes = [shape for profile in profiles for shape in (profile.forward, profile.backward)]
    if "htb" not in facts["has"] and any(shape.bandwidth is not None for shape in shapes):
        yield f"worker {name}: its kernel has no htb for `bandwidth`; `modprobe sch_htb`"
    if "netem" not in facts["has"] and any(shape.needs_netem or shape.queue is not None for shape in shapes):
        yield f"worker {name}: its kernel has no netem for delay, loss and queues; `modprobe sch_netem`"


def _sshd(name: str, facts: Facts) -> Iterator[str]:
    sessions = facts["sshd"].get("maxsessions", SESSIONS)
    if int(sessions) < SESSIONS:
        yield f"worker {name}: sshd allows {sessions} sessions; set `MaxSessions {SESSIONS}` or more"
    if facts["sshd"].get("allowtcpforwarding", "yes") not in {"yes", "all", "local"}:
        yield f"worker {name}: sshd forwards nothing; set `AllowTcpForwarding yes`"
