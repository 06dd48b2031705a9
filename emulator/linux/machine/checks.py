"""Checks of this machine, with the command that adds each missing feature."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from emulator.find_program import find_program
from emulator.linux.bpf.support import lacking_bpf
from emulator.linux.cgroup_mounts import cgroup2_root, hierarchies
from emulator.linux.machine.address_translation import FIX, has_nat
from emulator.linux.machine.features import (
    fix_module,
    fix_tun,
    has_link,
    has_namespaces,
    has_openvswitch,
    has_qdisc,
    has_tun,
    has_vlan,
    ovs_version,
)
from emulator.linux.machine.mininet import mininet_version
from emulator.linux.machine.resources import available_memory, limit
from emulator.linux.namespaces.mounts import is_private
from emulator.linux.sysctl import read_global


class Found(StrEnum):
    """State of a feature."""

    OK = "ok"
    MISSING = "missing"
    UNKNOWN = "unknown"
    """It can't be checked without root."""


@dataclass(frozen=True)
class Finding:
    """Result of a check. Every network needs the `basic` ones. `fix` tells how to add a missing feature."""

    name: str
    found: Found
    value: str = ""
    basic: bool = False
    fix: str = ""

    @property
    def is_fatal(self) -> bool:
        """True when no network can be created."""
        return self.basic and self.found is Found.MISSING


_LEAST_FILES = 1024
_LEAST_MEMORY = 256 << 20
_SYSCTLS = {
    "fs.mount-max": 4096,
    "user.max_net_namespaces": 4096,
    "kernel.pid_max": 4096,
}
"""Kernel limits to show, and the minimum for thousands of nodes."""

_RAISED = "net.ipv4.neigh.default.gc_thresh3"
"""Machine-wide sysctl that large networks raise while up; only the initial network namespace shows it."""

HOSTS = "/etc/hosts"

_PROGRAMS = {
    "tcpdump": ("captures with a filter", "apt install tcpdump"),
    "ping": ("`ping` in nodes; the emulator has a small one", "apt install iputils-ping"),
    "ip": ("inspecting nodes", "apt install iproute2"),
    "sudo": ("commands without root", "apt install sudo"),
    "ovs-testcontroller": ("learning controllers", "apt install openvswitch-testcontroller"),
    "mnexec": ("`engine: mininet`, and exported files", "apt install mininet"),
    "brctl": ("Linux bridges of `engine: mininet`", "apt install bridge-utils"),
}


def machine_checks() -> list[Finding]:
    """Return all findings, in display order."""
    return [
        *_basics(), *_queues(), *_switches(), *_light_ports(), *_cgroups(), *_limits(),
        *_names(), *_programs(),
    ]  # fmt: skip


def _found(here: bool | None) -> Found:
    return Found.UNKNOWN if here is None else Found.OK if here else Found.MISSING


def _basics() -> Iterator[Finding]:
    root = os.geteuid() == 0
    yield Finding("kernel", Found.OK, f"{os.uname().release} ({os.uname().machine})")
    sudo = "sudo is used" if shutil.which("sudo") else "be root (su -), or apt install sudo"
    yield Finding(
        "root", _found(root or bool(shutil.which("sudo"))), "yes" if root else "no", basic=True, fix=sudo
    )
    fix = "boot a kernel with CONFIG_NET_NS; in a container, run it privileged"
    yield Finding("network namespaces", _found(has_namespaces()), basic=True, fix=fix)
    fix = "nsenter --target 1 --mount -- emulator …, outside of `unshare --mount` or `ip netns exec`"
    yield Finding("lasting mounts", _found(not is_private()), basic=True, fix=fix)
    for kind, basic in (("veth", True), ("bridge", True), ("vxlan", False), ("macvlan", False)):
        value = "for light ports with `device: true`" if kind == "macvlan" else ""
        yield Finding(f"{kind} links", _found(has_link(kind)), value, basic, fix_module(kind))
    yield Finding("nf_tables nat", _found(has_nat()), "for `kind: nat` and `outside`", fix=FIX)
    yield Finding("vlan links", _found(has_vlan()), "for `vlans`", fix=fix_module("8021q"))
    yield Finding("tun/tap", _found(has_tun()), "for Open vSwitch in userspace", fix=fix_tun())
    forwarding = limit("net.ipv4.ip_forward")
    fix = "boot a kernel with CONFIG_INET, and mount /proc"
    yield Finding("ip_forward", _found(forwarding is not None), "per node", basic=True, fix=fix)


def _queues() -> Iterator[Finding]:
    for kind, what in (("tbf", "bandwidth"), ("netem", "delay, jitter, loss, duplicate, reorder, corrupt")):
        yield Finding(f"queue {kind}", _found(has_qdisc(kind)), what, fix=fix_module(f"sch_{kind}"))


def _switches() -> Iterator[Finding]:
    """Check Open vSwitch: its version, and the kernel's datapath."""
    version = ovs_version()
    value = f"{version}, userspace datapath" if version else "for `switch: ovs`"
    yield Finding("Open vSwitch", _found(bool(version)), value, fix="apt install openvswitch-switch")
    kernel = has_openvswitch()
    value = "" if kernel else "`datapath: auto` uses userspace"
    yield Finding("Open vSwitch in the kernel", _found(kernel), value, fix=fix_module("openvswitch"))
    mininet = mininet_version()
    value = mininet or "for `engine: mininet`"
    yield Finding("Mininet", _found(mininet is not None), value, fix="apt install mininet")


def _light_ports() -> Iterator[Finding]:
    """Check what light ports need: BPF programs, and control groups of version 2 for commands in them."""
    reason = lacking_bpf() if os.geteuid() == 0 else None
    here = None if os.geteuid() else reason is None
    value, _, fix = (reason or "for light ports").partition(": ")
    yield Finding("BPF programs", _found(here), value, fix=fix or "run a kernel with CONFIG_BPF_SYSCALL")
    root = cgroup2_root()
    value = str(root) if root else "for commands in light ports"
    fix = "mount -t cgroup2 none /sys/fs/cgroup/unified"
    yield Finding("cgroup version 2", _found(root is not None), value, fix=fix)


def _cgroups() -> Iterator[Finding]:
    places = hierarchies()
    for controller in ("cpu", "memory"):
        place = places.get(controller)
        value = f"version {place.version}, {place.root}" if place else "limits of nodes"
        fix = "mount -t cgroup2 none /sys/fs/cgroup; in a container, delegate the controllers"
        yield Finding(f"cgroup {controller}", _found(place is not None), value, fix=fix)


def _limits() -> Iterator[Finding]:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    enough = files == resource.RLIM_INFINITY or files >= _LEAST_FILES
    shown = "unlimited" if files == resource.RLIM_INFINITY else f"{files:,}"
    yield Finding("open files", _found(enough), shown, fix=f"ulimit -n {_LEAST_FILES}")
    for name, least in _SYSCTLS.items():
        value = limit(name)
        if value is not None:
            yield Finding(name, _found(value >= least), f"{value:,}", fix=f"sysctl -w {name}={least}")
    raised = read_global(_RAISED)
    shown = "" if raised is None else f"{raised:,}"
    fix = "networks in this network namespace or container can't raise it: set it on the machine"
    yield Finding(_RAISED, _found(raised is not None), shown, fix=fix)
    memory = available_memory()
    if memory is not None:
        shown = f"{memory / 2**30:.1f} GiB available"
        yield Finding("memory", _found(memory >= _LEAST_MEMORY), shown, fix="stop other programs")


def _names() -> Iterator[Finding]:
    """Check the file that commands in nodes see the network's names in: a mount needs a file to cover."""
    here = Path(HOSTS).is_file()
    yield Finding(HOSTS, _found(here), "for names of nodes in commands", fix=f"touch {HOSTS}")


def _programs() -> Iterator[Finding]:
    for name, (what, fix) in _PROGRAMS.items():
        path = find_program(name)
        yield Finding(name, _found(path is not None), path or f"for {what}", fix=fix)
