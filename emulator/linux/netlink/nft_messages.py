"""nf_tables messages as bytes: tables, chains, and the rules that change addresses.

Formats: include/uapi/linux/netfilter/{nfnetlink,nf_tables}.h. Numbers in attributes are big-endian, apart
from values that a rule compares with memory. No program is needed: neither nft nor iptables.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network

from emulator.linux.netlink.connection import NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, attributes
from emulator.linux.netlink.messages import NLM_F_CREATE, NLM_F_EXCL, attribute, message, nested

NETLINK_NETFILTER = 12
_SUBSYSTEM = 10
_NEWTABLE, _GETTABLE, _DELTABLE, _NEWCHAIN, _GETCHAIN, _NEWRULE, _GETRULE = 0, 1, 2, 3, 4, 6, 7
_IPV4 = 2
_BATCH_BEGIN, _BATCH_END = 16, 17
_REGISTER = 1
_PAYLOAD_NETWORK, _SOURCE_AT, _ADDRESS_SIZE = 1, 12, 4
_DESTINATION_AT = 16
_META_IIFNAME, _META_OIFNAME, _META_PROTOCOL = 6, 7, 16
_DESTINATION_NAT = 1
_NAME_SIZE = 16
_EQUAL, _UNEQUAL = 0, 1
_COMMENT = 0
"""Type of the user data that nft(8) shows as a comment (NFTNL_UDATA_{TABLE,RULE}_COMMENT)."""
PREROUTING, FORWARD, POSTROUTING = 0, 2, 4
NAT_PRIORITIES = {PREROUTING: -100, POSTROUTING: 100}
"""Priorities of chains that change addresses: NF_IP_PRI_NAT_DST, NF_IP_PRI_NAT_SRC."""
_TABLE_DATA, _RULE_DATA = 6, 7


def _big(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack(">I", value & 0xFFFFFFFF))


def _text(kind: int, value: str) -> bytes:
    return attribute(kind, value.encode() + b"\0")


def _request(kind: int, flags: int, *parts: bytes) -> bytes:
    body = struct.pack(">BBH", _IPV4, 0, 0) + b"".join(parts)
    return message(_SUBSYSTEM << 8 | kind, NLM_F_REQUEST | flags, body)


def batch_begin() -> bytes:
    """Return the message that begins a transaction; `batch_end` carries it out, all or nothing."""
    return message(_BATCH_BEGIN, NLM_F_REQUEST, struct.pack(">BBH", 0, 0, _SUBSYSTEM))


def batch_end() -> bytes:
    """Return the message that ends a transaction."""
    return message(_BATCH_END, NLM_F_REQUEST, struct.pack(">BBH", 0, 0, _SUBSYSTEM))


def _comment(kind: int, text: str) -> bytes:
    data = text.encode()[:120] + b"\0"
    return attribute(kind, bytes((_COMMENT, len(data))) + data)


def table(name: str, comment: str) -> bytes:
    """Return the message that creates the IPv4 table `name` unless it exists."""
    return _request(_NEWTABLE, NLM_F_CREATE | NLM_F_ACK, _text(1, name), _comment(_TABLE_DATA, comment))


def delete_table(name: str) -> bytes:
    """Return the message that deletes a table with everything in it."""
    return _request(_DELTABLE, NLM_F_ACK, _text(1, name))


def nat_chain(table_name: str, name: str, hook_number: int) -> bytes:
    """Return the message that creates a chain at a hook where addresses change."""
    hook = nested(4, _big(1, hook_number), _big(2, NAT_PRIORITIES[hook_number]))
    parts = (_text(1, table_name), _text(3, name), hook, _text(7, "nat"))
    return _request(_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, *parts)


def rule(table_name: str, chain: str, expressions: Sequence[bytes], comment: str) -> bytes:
    """Return the message that appends a rule; `comment` is the mark by which it is found again."""
    parts = (_text(1, table_name), _text(2, chain), nested(4, *expressions), _comment(_RULE_DATA, comment))
    return _request(_NEWRULE, NLM_F_CREATE | 0x800 | NLM_F_ACK, *parts)  # NLM_F_APPEND


def _expression(name: str, *data: bytes) -> bytes:
    return nested(1, _text(1, name), nested(2, *data))


def _compare(operator: int, value: bytes) -> bytes:
    return _expression("cmp", _big(1, _REGISTER), _big(2, operator), nested(3, attribute(1, value)))


def from_network(network: IPv4Network) -> list[bytes]:
    """Return the expressions that match packets with a source in `network`."""
    load = _expression(
        "payload", _big(1, _REGISTER), _big(2, _PAYLOAD_NETWORK), _big(3, _SOURCE_AT), _big(4, _ADDRESS_SIZE)
    )
    mask = _expression(
        "bitwise", _big(1, _REGISTER), _big(2, _REGISTER), _big(3, _ADDRESS_SIZE),
        nested(4, attribute(1, network.netmask.packed)), nested(5, attribute(1, bytes(4))),
    )  # fmt: skip
    return [load, mask, _compare(_EQUAL, network.network_address.packed)]


def leaving_by(interface: str, *, other: bool = False) -> list[bytes]:
    """Return the expressions that match packets which leave by `interface`; with `other`, by any other."""
    return [_meta(_META_OIFNAME), _compare(_UNEQUAL if other else _EQUAL, _padded(interface))]


def not_from(interface: str) -> list[bytes]:
    """Return the expressions that match packets which came by another interface."""
    return [_meta(_META_IIFNAME), _compare(_UNEQUAL, _padded(interface))]


def to_address(address: IPv4Address) -> list[bytes]:
    """Return the expressions that match packets to `address`."""
    load = _expression(
        "payload",
        *(_big(1, _REGISTER), _big(2, _PAYLOAD_NETWORK), _big(3, _DESTINATION_AT), _big(4, _ADDRESS_SIZE)),
    )
    return [load, _compare(_EQUAL, address.packed)]


def of_protocol(number: int) -> list[bytes]:
    """Return the expressions that match packets of a protocol, such as socket.IPPROTO_TCP."""
    return [_meta(_META_PROTOCOL), _compare(_EQUAL, bytes((number,)))]


def redirect(address: IPv4Address) -> list[bytes]:
    """Return the expressions that send a connection's packets to `address` instead."""
    value = _expression("immediate", _big(1, _REGISTER), nested(2, attribute(1, address.packed)))
    return [value, _expression("nat", _big(1, _DESTINATION_NAT), _big(2, _IPV4), _big(3, _REGISTER))]


def _meta(key: int) -> bytes:
    return _expression("meta", _big(1, _REGISTER), _big(2, key))


def _padded(interface: str) -> bytes:
    return interface.encode().ljust(_NAME_SIZE, b"\0")


def masquerade() -> list[bytes]:
    """Return the expression that gives packets the address of the interface by which they leave."""
    return [_expression("masq")]


def tables() -> bytes:
    """Return the request for all IPv4 tables."""
    return _request(_GETTABLE, NLM_F_DUMP)


def chains() -> bytes:
    """Return the request for the chains of all tables, of every family."""
    return message(_SUBSYSTEM << 8 | _GETCHAIN, NLM_F_REQUEST | NLM_F_DUMP, struct.pack(">BBH", 0, 0, 0))


def rules(table_name: str) -> bytes:
    """Return the request for the rules of a table."""
    return _request(_GETRULE, NLM_F_DUMP, _text(1, table_name))


_HEADER = 4


def name_and_comment(body: bytes, *, of_rule: bool = False) -> tuple[str, str]:
    """Return the table's name and the comment in an answer to `tables` or `rules`."""
    found = dict(attributes(body, _HEADER))
    data = found.get(_RULE_DATA if of_rule else _TABLE_DATA, b"")
    while len(data) >= 2:
        kind, size = data[0], data[1]
        if kind == _COMMENT:
            return _plain(found.get(1, b"")), _plain(data[2 : 2 + size])
        data = data[2 + size :]
    return _plain(found.get(1, b"")), ""


def base_chain(body: bytes) -> tuple[int, str, str, int, bool] | None:
    """Return (family, table, chain, hook, whether it drops by default) of an answer to `chains`.

    None for a chain without a hook.
    """
    found = dict(attributes(body, _HEADER))
    if 4 not in found:
        return None
    hook = dict(attributes(found[4]))
    drops = struct.unpack(">I", found[5])[0] == 0 if 5 in found else False
    return body[0], _plain(found[1]), _plain(found[3]), struct.unpack(">I", hook[1])[0], drops


def _plain(data: bytes) -> str:
    return data.rstrip(b"\0").decode("utf-8", "replace")


def open_socket() -> socket.socket:
    """Return a netfilter socket in this thread's network namespace; OSError where the kernel has none."""
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_NETFILTER)
