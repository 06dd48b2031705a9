"""Judge the facts about MaxiNet's workers that its driver has found. Pure.

The facts are {"host", "registered": [names], "workers": {name: worker}}, where a worker is {"user": text or
null, "own": the user is this network, "works": [words], "values": {name: text}, "lost": [addresses]}, or
{"user", "own", "error"}. The words of `works` are programs, queues of the kernel, `gretap`, `openvswitch`,
and `sshd` for a running SSH server of MaxiNet's. The values are the `interpreter` of MaxiNetWorker, the
versions `python`, `Pyro4` and `mininet`, the exit code `script` of MaxiNet's own scripts, and the `startups`
that the SSH server takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from emulator.engines.driven.node_lines import is_switch
from emulator.engines.maxinet import versions
from emulator.engines.maxinet.refusals import link_words
from emulator.plan import Plan
from topologies.counting import counted_by_name
from topologies.profiles import Shape

Facts = Mapping[str, Any]

_PROGRAMS = {
    "ip": "iproute2", "tc": "iproute2", "mnexec": "mininet", "ethtool": "ethtool", "ping": "iputils-ping",
    "sysctl": "procps", "tcpdump": "tcpdump", "python3": "python3",
}  # fmt: skip
"""Programs that every worker needs -> Debian's package."""
_CANNOT_RUN = {"126", "127"}
LEAST_STARTUPS = 10
"""Connections that an SSH server lets wait for their log-in, unless it is configured (sshd_config(5))."""


def reasons(plan: Plan, facts: Facts) -> list[str]:
    """Return every reason why the workers can't hold their parts of `plan`, each with the fix."""
    out: list[str] = []
    for number, worker in enumerate(plan.workers):
        found = facts["workers"].get(worker.name)
        if found is None:
            known = ", ".join(facts["registered"]) or "none"
            out.append(
                f"worker {worker.name} isn't registered at {facts['host']} (registered: {known}); start "
                f"MaxiNetWorker there: it registers under its host name"
            )
        elif "error" in found:
            out.append(str(found["error"]))
        else:
            out += _user(worker.name, found)
            out += _program(worker.name, found)
            out += _abilities(plan, number, frozenset(found["works"]))
            out += _tunnels(plan, number, found)
    return out


def _user(worker: str, found: Facts) -> Iterator[str]:
    if found["user"] is None or found["own"]:
        return  # free, or held by this network, which `up` changes or takes down first
    yield (
        f"worker {worker} is in use by {found['user']}; wait until it is free, or end that one. If that one "
        f"was killed and the worker stays taken, restart MaxiNetFrontendServer"
    )


def _program(worker: str, found: Facts) -> Iterator[str]:
    """Yield what is wrong with the worker's copy of MaxiNet, its Python, and its SSH server."""
    values = found["values"]
    python = values.get("interpreter", "python3")
    yield from versions.reasons(f"MaxiNetWorker on {worker}", python, values, versions.WORKER_PYTHON)
    if values.get("script") in _CANNOT_RUN:
        yield (
            f"worker {worker}: MaxiNet's scripts can't be run (exit code {values['script']}); "
            f"`chmod a+x MaxiNet/Scripts/*.sh` in its copy there"
        )
    if "sshd" not in found["works"]:
        yield (
            f"worker {worker}: MaxiNet's SSH server doesn't run, which `shell` and `capture` need; `apt "
            f"install openssh-server`, `mkdir -p /run/sshd` and `systemctl restart maxinet-worker` there"
        )
    if int(values.get("startups") or LEAST_STARTUPS) < LEAST_STARTUPS:
        yield (
            f"worker {worker}: MaxiNet's SSH server takes {values['startups']} new connections at a time, "
            f"and each `shell` and `capture` is one; write `MaxStartups {LEAST_STARTUPS}:30:100` into "
            f"MaxiNet/WorkerServer/sshd_config.template there, and restart MaxiNetWorker"
        )


def _abilities(plan: Plan, number: int, works: frozenset[str]) -> Iterator[str]:
    """Yield programs and features that the worker's part of the plan needs."""
    worker, topology = plan.workers[number].name, plan.topology
    yield from (
        f"worker {worker} has no {program}; `apt install {package}` there"
        for program, package in _PROGRAMS.items()
        if program not in works
    )
    here = np.flatnonzero(plan.placement == number).tolist()
    switches = [node for node in here if is_switch(plan, node)]
    kinds: dict[str, list[str]] = {}
    for node in switches:
        kinds.setdefault(topology.node_profile_of(node).switch, []).append(topology.names[node])
    if "bridge" in kinds and "brctl" not in works:
        named = counted_by_name(kinds["bridge"], "switch")
        yield f"{named}: worker {worker} has no brctl; `apt install bridge-utils` there"
    if "ovs" in kinds and "openvswitch" not in works:
        named = counted_by_name(kinds["ovs"], "switch")
        yield (
            f"{named}: no Open vSwitch runs on worker {worker}; `apt install openvswitch-switch` there, or "
            f"`systemctl start openvswitch-switch`"
        )
    yield from _queues(plan, number, works)


def _queues(plan: Plan, number: int, works: frozenset[str]) -> Iterator[str]:
    """Yield links whose shape the worker's kernel has no queue for."""
    worker, topology = plan.workers[number].name, plan.topology
    profiles = topology.link_profiles
    needs = {
        "netem": ("delay, loss or queue", [_netem(p.forward) or _netem(p.backward) for p in profiles]),
        "htb": ("bandwidth", [(p.forward.bandwidth or p.backward.bandwidth) is not None for p in profiles]),
    }  # fmt: skip
    here = (plan.placement[topology.ends] == number).any(axis=1)
    for queue, (keys, wanted) in needs.items():
        links = np.flatnonzero(np.array(wanted, dtype=bool)[topology.link_profile] & here).tolist()
        if links and queue not in works:
            named = counted_by_name([link_words(plan, link) for link in links], "link")
            yield (
                f"{named}: {keys} needs sch_{queue}, which the kernel of worker {worker} doesn't have; "
                f"`modprobe sch_{queue}` there, or leave it out"
            )


def _netem(shape: Shape) -> bool:
    """Return whether Mininet uses netem: for a queue without a delay as well."""
    return shape.needs_netem or shape.queue is not None


def _tunnels(plan: Plan, number: int, found: Facts) -> Iterator[str]:
    """Yield what keeps the worker's tunnels from carrying packets: MaxiNet would succeed without them."""
    worker, topology = plan.workers[number].name, plan.topology
    here = (plan.placement[topology.ends] == number).any(axis=1)
    links = np.flatnonzero(plan.cut & here).tolist()
    if not links:
        return
    named = counted_by_name([link_words(plan, link) for link in links], "tunnel")
    if "gretap" not in found["works"]:
        yield (
            f"{named}: the kernel of worker {worker} has no GRE tunnels, and MaxiNet loses all packets "
            f"between workers without a word; `modprobe ip_gre` there, or use one worker"
        )
    for address in found["lost"]:
        yield (
            f"{named}: no packet of 1,492 bytes gets from worker {worker} to {address}, which tunnels need; "
            f"let ICMP and GRE through between them, and raise the MTU of the network between them to 1,500"
        )
