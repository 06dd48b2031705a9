"""Reasons why a worker can't carry out its part of a plan, by the facts that the driver has found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.engines.distrinet.launch import TITLE
from emulator.engines.distrinet.settings import image, mark, settings
from emulator.plan import Plan
from topologies.quantities import SIZE

Facts = Mapping[str, Any]
_PACKAGES = {
    "lxc": "lxd", "brctl": "bridge-utils", "ifconfig": "net-tools", "ip": "iproute2",
    "flock": "util-linux",
}  # fmt: skip
_DISK = "`lxc storage create default dir`, `lxc profile device add default root disk path=/ pool=default`"
_OLDEST_LXD = (4, 0)
NODE_MEMORY = 24 << 20
"""Bytes for a container with an SSH daemon and a shell; measured, see docs/engines.md."""
SESSIONS = 8
"""Sessions on one SSH connection that the driver uses; sshd allows 10 unless configured."""
STARTUPS = 2
"""Connections that log in to a worker at a time: the driver's and a terminal's."""
_OTHER_FILES = 64
"""Descriptors of an SSH server's process beside those of forwarded connections."""


def numbers(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version; others compare wrongly with these tuples."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


def worker_reasons(plan: Plan, number: int, found: Mapping[str, Facts]) -> Iterator[str]:
    """Yield what is wrong with one worker, by the facts that the driver has found."""
    name = plan.workers[number].name
    facts = found[name]
    if "error" in facts:
        yield f"worker {facts['error']}; start it, open its port 22, or correct `workers:`, `key:` or `jump:`"
        return
    if facts["user"] != "0":
        yield f"worker {name}: SSH logs in as user id {facts['user']}; Distrinet needs root"
    yield from _programs(plan, name, facts)
    if "vxlan" not in facts["has"] and len(plan.workers) > 1:
        yield f"worker {name}: its kernel has no vxlan for tunnels; `modprobe vxlan`"
    yield from _queues(plan, number, facts)
    yield from _sshd(plan, number, facts)
    if (taken := facts["network"]) and taken != mark(plan.topology.name):
        yield f"worker {name} has the network {taken}, and Distrinet takes one per worker; take it down"
    elif facts["devices"] and not taken:
        yield f"worker {name} has devices of a Distrinet that isn't ours ({facts['devices']}); delete them"
    need = int((plan.placement == number).sum()) * NODE_MEMORY
    if 0 < facts["memory"] < need and not taken:
        free = SIZE.text(facts["memory"])
        yield f"worker {name} has {free} of memory, its nodes need {SIZE.text(need)}; add a worker"


def _programs(plan: Plan, name: str, facts: Facts) -> Iterator[str]:
    """Yield what a worker lacks of programs, LXD and its image."""
    if lacking := [program for program in _PACKAGES if program not in facts["has"]]:
        packages = " ".join(_PACKAGES[program] for program in lacking)
        yield f"worker {name} lacks {', '.join(lacking)}; `apt install {packages}`"
    elif "lxd" not in facts["has"]:
        yield f"worker {name}: LXD doesn't answer; start it (`systemctl start lxd`)"
    elif facts["lxd"] and numbers(facts["lxd"]) < _OLDEST_LXD:
        oldest = ".".join(map(str, _OLDEST_LXD))
        yield f"worker {name} has LXD {facts['lxd']}, {TITLE}'s driver needs {oldest} or later; upgrade it"
    elif "disk" not in facts["has"]:
        yield f"worker {name}: LXD's profile `default` has no disk for containers; {_DISK}"
    elif "image" not in facts["has"]:
        wanted = image(plan.options)
        fix = f"`lxc image import FILE --alias {wanted}`, or give another by `image:`"
        yield f"worker {name} has no LXD image called {wanted}; {fix}"


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


def _sshd(plan: Plan, number: int, facts: Facts) -> Iterator[str]:
    """Yield limits of a worker's SSH server that the plan exceeds.

    The driver has one connection to it, with SESSIONS commands at a time, whatever the number of nodes. That
    to the jump host carries those to all containers, and the server has a descriptor for each.
    """
    name, sshd = plan.workers[number].name, facts["sshd"]
    sessions = sshd.get("maxsessions", SESSIONS)
    if int(sessions) < SESSIONS:
        yield f"worker {name}: sshd allows {sessions} sessions; set `MaxSessions {SESSIONS}` or more"
    startups = sshd.get("maxstartups", "10:30:100").partition(":")[0]
    if int(startups) < STARTUPS:
        yield f"worker {name}: sshd lets {startups} log in at a time; set `MaxStartups {STARTUPS}` or more"
    if sshd.get("allowtcpforwarding", "yes") not in {"yes", "all", "local"}:
        yield f"worker {name}: sshd forwards nothing; set `AllowTcpForwarding yes`"
    given = settings(plan)
    nodes, files = plan.topology.node_count, facts["files"]
    need = nodes + _OTHER_FILES
    if given["jump"] == given["workers"][number]["address"] and files.isdigit() and int(files) < need:
        yield (
            f"worker {name}: its SSH server may open {int(files):,} files, connections to {nodes:,} "
            f"containers need {need:,}; `systemctl edit ssh`: under [Service], `LimitNOFILE={need}`"
        )
