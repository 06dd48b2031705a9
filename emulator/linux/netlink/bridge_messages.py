"""Netlink messages that create and configure bridges (include/uapi/linux/if_link.h, IFLA_BR_*)."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.linux.netlink.connection import NLM_F_REQUEST
from emulator.linux.netlink.messages import (
    IFF_UP,
    IFLA_ADDRESS,
    IFLA_IFNAME,
    IFLA_INFO_DATA,
    IFLA_INFO_KIND,
    IFLA_LINKINFO,
    NLM_F_CREATE,
    NLM_F_EXCL,
    RTM_NEWLINK,
    attribute,
    link_body,
    message,
    nested,
    u32,
)

IFLA_INFO_SLAVE_KIND, IFLA_INFO_SLAVE_DATA = 4, 5
_NEW = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL


def bridge(name: bytes, index: int, mac: bytes) -> bytes:
    """Return the message that creates a bridge: no STP, no multicast snooping (it floods queries), up."""
    body = link_body(index, flags=IFF_UP, change=IFF_UP)
    own = attribute(IFLA_IFNAME, name + b"\0") + attribute(IFLA_ADDRESS, mac)
    return message(RTM_NEWLINK, _NEW, body + own + _bridge_info(u32(5, 0), attribute(23, b"\0")))


UNKNOWN = -1
"""Value of an option that this kernel doesn't have."""
PORT_OPTIONS = {
    "state": 1, "hairpin": 4, "learning": 8, "flood": 9, "mcast_flood": 27, "bcast_flood": 30, "isolated": 33,
}  # fmt: skip
"""Options of a port of a bridge by iproute2's names: their attributes (IFLA_BRPORT_*), all u8."""
BRIDGE_OPTIONS = {"stp_state": 5, "vlan_filtering": 7, "mcast_snooping": 23}
"""Options of a bridge by iproute2's names: their attributes (IFLA_BR_*), the first a u32, the others u8."""


def bridge_options(index: int, options: Mapping[str, int]) -> bytes:
    """Return the message that sets options of a bridge.

    Pass only options that must change: a kernel refuses even to disable a feature that it lacks.
    """
    data = (
        u32(BRIDGE_OPTIONS[name], value)
        if name == "stp_state"
        else attribute(BRIDGE_OPTIONS[name], bytes([value]))
        for name, value in options.items()
    )
    return message(RTM_NEWLINK, NLM_F_REQUEST, link_body(index) + _bridge_info(*data))


def port_options(index: int, options: Mapping[str, int]) -> bytes:
    """Return the message that sets options of a port of a bridge."""
    data = (attribute(PORT_OPTIONS[name], bytes([value])) for name, value in options.items())
    info = nested(
        IFLA_LINKINFO, attribute(IFLA_INFO_SLAVE_KIND, b"bridge"), nested(IFLA_INFO_SLAVE_DATA, *data)
    )
    return message(RTM_NEWLINK, NLM_F_REQUEST, link_body(index) + info)


def bridge_flush(index: int) -> bytes:
    """Return the message that flushes a bridge's forwarding table."""
    flush = attribute(21, b"")  # IFLA_BR_FDB_FLUSH
    return message(RTM_NEWLINK, NLM_F_REQUEST, link_body(index) + _bridge_info(flush))


def _bridge_info(*data: bytes) -> bytes:
    """Return a bridge's attributes in a message: 5 STP_STATE, 7 VLAN_FILTERING, 23 MCAST_SNOOPING."""
    kind = attribute(IFLA_INFO_KIND, b"bridge")
    return nested(IFLA_LINKINFO, kind, nested(IFLA_INFO_DATA, *data))
