"""Features of this machine's kernel, detected by trial.

A configuration file or a list of modules only shows the build options of a kernel. A trial shows that a
feature works here. Each trial runs in a temporary network namespace.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from emulator.errors import KernelError
from emulator.find_program import find_program
from emulator.linux.namespaces.guard import namespace_guard
from emulator.linux.namespaces.rights import lacking_rights
from emulator.linux.namespaces.syscalls import CLONE_NEWNET, unshare
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import NLM_F_REQUEST, Batch, Netlink
from emulator.linux.netlink.datagrams import HEADER, NLMSG_ERROR
from emulator.linux.netlink.device_messages import port_device
from emulator.linux.netlink.qdisc import shape_messages
from emulator.linux.netlink.vlan_messages import vlan
from topologies.profiles import Shape

_QDISCS = {"tbf": Shape(bandwidth=1e6), "netem": Shape(delay=1e-3)}
_LINKS = ("veth", "bridge", "vxlan")
_TRIAL = 20
_REFUSALS = frozenset({errno.ENOENT, errno.EOPNOTSUPP, errno.EINVAL, errno.ENODEV, errno.EPROTONOSUPPORT})


@cache
def has_qdisc(kind: str) -> bool | None:
    """Return whether the kernel has the qdisc `kind` ("tbf", "netem"); None without permission.

    The kernel loads the module if it has one.
    """
    batch = Batch()
    for message in shape_messages(messages.LOOPBACK, _QDISCS[kind]):
        batch.add(message, "try qdisc", kind)
    return _works(batch)


@cache
def has_link(kind: str) -> bool | None:
    """Return whether the kernel has links of `kind`, such as "vxlan"; None without permission."""
    if kind == "macvlan":
        return _has_macvlan()
    data = messages.nested(messages.IFLA_INFO_DATA, messages.u32(1, _TRIAL)) if kind == "vxlan" else b""
    info = messages.nested(
        messages.IFLA_LINKINFO, messages.attribute(messages.IFLA_INFO_KIND, kind.encode()), data
    )
    body = messages.link_body(0) + messages.attribute(messages.IFLA_IFNAME, b"trial\0") + info
    flags = 1 | messages.NLM_F_CREATE | messages.NLM_F_EXCL
    batch = Batch()
    batch.add(messages.message(messages.RTM_NEWLINK, flags, body), "try link", kind)
    return _works(batch)


def _has_macvlan() -> bool | None:
    """Return whether the kernel has macvlans: one is tried on a bridge."""
    return _works_on_a_bridge(
        lambda lower, index: port_device(b"trial", index, bytes((2, 0, 0, 0, 0, 1)), lower, 1500), "macvlan"
    )


def has_vlan() -> bool | None:
    """Return whether the kernel has VLAN sub-interfaces: one is tried on a bridge."""
    return _works_on_a_bridge(lambda lower, index: vlan(b"trial", index, lower, 1), "vlan")


def _works_on_a_bridge(device: Callable[[int, int], bytes], kind: str) -> bool | None:
    """Return whether the message works that `device` makes of a bridge's index and its own."""
    batch, (lower, index) = Batch(), (_TRIAL, _TRIAL + 2)
    info = messages.nested(messages.IFLA_LINKINFO, messages.attribute(messages.IFLA_INFO_KIND, b"bridge"))
    body = messages.link_body(lower) + messages.attribute(messages.IFLA_IFNAME, b"lower\0") + info
    flags = NLM_F_REQUEST | messages.NLM_F_CREATE | messages.NLM_F_EXCL
    batch.add(messages.message(messages.RTM_NEWLINK, flags, body), "try link", "bridge")
    batch.add(device(lower, index), "try link", kind)
    return _works(batch)


_NETLINK_GENERIC, _GENL_ID_CTRL, _CTRL_CMD_GETFAMILY, _CTRL_ATTR_FAMILY_NAME = 16, 16, 3, 2


@cache
def has_openvswitch() -> bool:
    """Return whether the kernel has the datapath of Open vSwitch; it loads the module if one exists.

    The test requests the generic netlink family by name (include/uapi/linux/openvswitch.h, genetlink.h).
    """
    body = struct.pack("=BBxx", _CTRL_CMD_GETFAMILY, 1)
    body += messages.attribute(_CTRL_ATTR_FAMILY_NAME, b"ovs_datapath\0")
    asked = messages.message(_GENL_ID_CTRL, NLM_F_REQUEST, body)
    try:
        with socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_GENERIC
        ) as asker:
            asker.bind((0, 0))
            asker.send(asked)
            answer = asker.recv(65536)
    except OSError:
        return False
    return bool(HEADER.unpack_from(answer)[1] != NLMSG_ERROR)


_TUNGETFEATURES = 0x800454CF


@cache
def has_tun() -> bool:
    """Return whether /dev/net/tun is usable. Open vSwitch in userspace creates its switches with it.

    Opening the device loads the module if one exists. Containers often lack the device file. The request
    is defined in include/uapi/linux/if_tun.h. Without root and without permission to ask, returns True.
    """
    try:
        with Path("/dev/net/tun").open("rb+", buffering=0) as device:
            fcntl.ioctl(device, _TUNGETFEATURES, bytes(4))
    except PermissionError:
        return os.geteuid() != 0
    except OSError:
        return False
    return True


@cache
def ovs_version() -> str:
    """Return the installed version of Open vSwitch, such as 3.1.0; empty if it isn't installed."""
    program = find_program("ovs-vswitchd")
    if program is None:
        return ""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.partition("\n")[0].rpartition(" ")[2]


def _works(batch: Batch) -> bool | None:
    """Return whether the kernel accepts `batch`, in a namespace created for it."""
    if os.geteuid() != 0 or lacking_rights():
        return None
    try:
        with namespace_guard("net"):
            unshare(CLONE_NEWNET)
            with Netlink() as netlink:
                errors = netlink.try_run(batch)
    except KernelError as error:
        if error.errno == errno.EPERM:
            return None
        raise
    unforeseen = [error for error in errors if error.errno not in _REFUSALS]
    if unforeseen:
        raise unforeseen[0]
    return not errors


def has_namespaces() -> bool | None:
    """Return whether network namespaces can be created; None without permission."""
    if not Path("/proc/self/ns/net").exists():
        return False
    if os.geteuid() != 0:
        return None
    if lacking_rights():
        return False
    try:
        with namespace_guard("net"):
            unshare(CLONE_NEWNET)
    except KernelError:
        return False
    return True


def module_file(module: str) -> bool:
    """Return whether the running kernel's module folder contains `module`."""
    folder = Path("/lib/modules", os.uname().release)
    try:
        index = (folder / "modules.dep").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(f"/{module}.ko" in line.partition(":")[0] for line in index.splitlines())


def fix_tun() -> str:
    """Return the command that adds /dev/net/tun: load its module, or create the device file if built in."""
    advice = "modprobe tun" if module_file("tun") else "mkdir -p /dev/net; mknod /dev/net/tun c 10 200"
    return f"{advice} (in a container: `--device /dev/net/tun`)"


def fix_module(module: str) -> str:
    """Return the command or the advice that adds a missing kernel module."""
    if module_file(module):
        return f"modprobe {module}"
    release = os.uname().release
    return f"boot a kernel that has {module}; {release} doesn't (Debian: apt install linux-image-amd64)"
