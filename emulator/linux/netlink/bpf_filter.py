"""Netlink messages that attach BPF programs to a device, and find them again.

Formats: include/uapi/linux/{rtnetlink,pkt_sched,pkt_cls}.h, net/sched/{sch_ingress,cls_bpf}.c. A `clsact`
qdisc is no queue: it is the place for filters on both directions of a device, beside any queue. A filter
of kind `bpf` in direct-action mode decides by the program's return value. It lives as long as the device,
so nothing is pinned, and no process holds it. Attaching by tcx links takes a hundred times as long.
"""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple

from emulator.linux.netlink.connection import NLM_F_DUMP, NLM_F_REQUEST, attributes
from emulator.linux.netlink.messages import NLM_F_CREATE, NLM_F_EXCL, attribute, message, nested, u32

INGRESS, EGRESS = 0xFFFFFFF2, 0xFFFFFFF3
"""Directions: what the device receives, what it sends (TC_H_CLSACT with TC_H_MIN_INGRESS or _EGRESS)."""
RTM_NEWQDISC, RTM_DELQDISC = 36, 37
RTM_NEWTFILTER, RTM_DELTFILTER, RTM_GETTFILTER = 44, 45, 46

_HANDLE, _PARENT = 0xFFFF0000, 0xFFFFFFF1
_TCMSG = struct.Struct("=BxxxiIII")
_TCA_KIND, _TCA_OPTIONS = 1, 2
_FD, _NAME, _FLAGS, _ID = 6, 7, 8, 11
_DIRECT_ACTION = 1
_FIRST_OF_ALL_PROTOCOLS = 1 << 16 | socket.htons(3)
"""Priority 1, ETH_P_ALL: the program sees all frames."""
_NEW = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL


class AttachedProgram(NamedTuple):
    """A program of device `ifindex`: direction (INGRESS or EGRESS), name, and the program's id."""

    ifindex: int
    direction: int
    name: str
    program: int


def clsact(index: int) -> bytes:
    """Return the message that gives device `index` the place for filters."""
    body = _TCMSG.pack(0, index, _HANDLE, _PARENT, 0) + attribute(_TCA_KIND, b"clsact\0")
    return message(RTM_NEWQDISC, _NEW, body)


def clsact_delete(index: int) -> bytes:
    """Return the message that removes this place from device `index`, with all its filters."""
    body = _TCMSG.pack(0, index, _HANDLE, _PARENT, 0) + attribute(_TCA_KIND, b"clsact\0")
    return message(RTM_DELQDISC, NLM_F_REQUEST, body)


def bpf_filter(index: int, direction: int, descriptor: int, name: str, *, replace: bool = False) -> bytes:
    """Return the message that has the program of `descriptor` decide on all frames of one direction.

    The device must have `clsact`. `name` is for people (`tc filter show`). With `replace`, the program takes
    the place of the one that decides now, and no frame passes between them.
    """
    options = u32(_FD, descriptor) + attribute(_NAME, name.encode() + b"\0") + u32(_FLAGS, _DIRECT_ACTION)
    body = _TCMSG.pack(0, index, 1, direction, _FIRST_OF_ALL_PROTOCOLS)
    body += attribute(_TCA_KIND, b"bpf\0") + nested(_TCA_OPTIONS, options)
    return message(RTM_NEWTFILTER, _NEW & ~NLM_F_EXCL if replace else _NEW, body)


def bpf_filter_delete(index: int, direction: int) -> bytes:
    """Return the message that removes this program of one direction."""
    body = _TCMSG.pack(0, index, 1, direction, _FIRST_OF_ALL_PROTOCOLS) + attribute(_TCA_KIND, b"bpf\0")
    return message(RTM_DELTFILTER, NLM_F_REQUEST, body)


def bpf_filter_dump(index: int, direction: int) -> bytes:
    """Return the request for the filters of one direction of device `index`."""
    return message(RTM_GETTFILTER, NLM_F_REQUEST | NLM_F_DUMP, _TCMSG.pack(0, index, 0, direction, 0))


def read_bpf_filters(answers: list[tuple[int, bytes]]) -> list[AttachedProgram]:
    """Return the programs in the answers to such a request: (message type, body) each."""
    found = []
    for kind, body in answers:
        if kind != RTM_NEWTFILTER or len(body) < _TCMSG.size:
            continue
        _, index, _, direction, _ = _TCMSG.unpack_from(body)
        parts = dict(attributes(body, _TCMSG.size))
        options = dict(attributes(parts.get(_TCA_OPTIONS, b"")))
        if parts.get(_TCA_KIND) == b"bpf\0" and _ID in options:
            name = options.get(_NAME, b"").rstrip(b"\0").decode("utf-8", "replace")
            found.append(AttachedProgram(index, direction, name, struct.unpack("=I", options[_ID])[0]))
    return found
