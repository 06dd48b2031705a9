"""Tables of nf_tables that are ours: made in one transaction, compared, and removed.

A table is recognised by its comment: one of the same name that somebody else made is never touched.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import ClassVar, Protocol

from emulator.errors import KernelError
from emulator.linux.netlink import nft_messages as nft
from emulator.linux.netlink.connection import SOL_NETLINK, Netlink
from emulator.linux.netlink.datagrams import NLMSG_ERROR, messages_in

_CHAINS = {"prerouting": nft.PREROUTING, "postrouting": nft.POSTROUTING}
_EXT_ACK = 11
_BUFFER = 1 << 16


class Rule(Protocol):
    """A rule of our tables: the chain that it is in, and the text by which it is found again."""

    chain: ClassVar[str]

    @property
    def mark(self) -> str:
        """Text by which the rule is found again."""

    def words(self) -> list[bytes]:
        """Return its expressions."""


@dataclass(frozen=True)
class Masquerade:
    """Packets that get the address of the interface by which they leave.

    Those from `source` that leave by another interface than `interface`; without `source`, those that leave
    by `interface`.
    """

    chain: ClassVar[str] = "postrouting"

    interface: str
    source: IPv4Network | None = None

    @property
    def mark(self) -> str:
        """Text by which the rule is found again."""
        return f"emulator {self.source} not {self.interface}" if self.source else f"emulator {self.interface}"

    def words(self) -> list[bytes]:
        """Return its expressions."""
        source = nft.from_network(self.source) if self.source else []
        return [*source, *nft.leaving_by(self.interface, other=self.source is not None), *nft.masquerade()]


@dataclass(frozen=True)
class Redirect:
    """Connections of a protocol to `address` that go to `target` instead, unless they came by `interface`."""

    chain: ClassVar[str] = "prerouting"

    interface: str
    address: IPv4Address
    target: IPv4Address
    protocol: int

    @property
    def mark(self) -> str:
        """Text by which the rule is found again."""
        return f"emulator {self.address} protocol {self.protocol} to {self.target}"

    def words(self) -> list[bytes]:
        """Return its expressions."""
        matched = [
            *nft.not_from(self.interface),
            *nft.to_address(self.address),
            *nft.of_protocol(self.protocol),
        ]
        return [*matched, *nft.redirect(self.target)]


def put_table(name: str, comment: str, rules: Sequence[Rule]) -> None:
    """Create the table `name` in this thread's namespace, or replace it: at no time is it incomplete.

    KernelError if the kernel refuses it.
    """
    fresh = [nft.table(name, comment), nft.delete_table(name), nft.table(name, comment)]
    chains = sorted({rule.chain for rule in rules})
    made = [nft.nat_chain(name, chain, _CHAINS[chain]) for chain in chains]
    _transact([*fresh, *made, *(nft.rule(name, rule.chain, rule.words(), rule.mark) for rule in rules)], name)


def is_whole(name: str, rules: Sequence[Rule]) -> bool:
    """Return whether the table has these rules and no others, in chains at their hooks."""
    if rule_marks(name) != {rule.mark for rule in rules}:
        return False
    found = {one[1:4] for one in (nft.base_chain(body) for _, body in _dump(nft.chains())) if one is not None}
    return all((name, rule.chain, _CHAINS[rule.chain]) in found for rule in rules)


def lacking_nat() -> str:
    """Return why this kernel can't change addresses of packets in this thread's namespace; "" if it can."""
    name, address = "emulator-try", IPv4Address("192.0.2.1")
    rules: list[Rule] = [Masquerade("lo"), Redirect("lo", address, address, socket.IPPROTO_TCP)]
    try:
        put_table(name, name, rules)
        _transact([nft.delete_table(name)], name)
    except KernelError as error:
        return f"{error}"
    return ""


def delete_table(name: str, comment: str) -> bool:
    """Delete the table `name` if it has this comment; return whether it was there."""
    if table_comment(name) != comment:
        return False
    _transact([nft.delete_table(name)], name)
    return True


def table_comment(name: str) -> str | None:
    """Return the comment of the table `name` in this thread's namespace; None when there is no such table."""
    found = dict(nft.name_and_comment(body) for _, body in _dump(nft.tables()))
    return found.get(name)


def rule_marks(name: str) -> set[str]:
    """Return the marks of the rules in the table `name`; none when it doesn't exist."""
    try:
        answers = _dump(nft.rules(name))
    except KernelError as error:
        if error.errno == errno.ENOENT:
            return set()
        raise
    found = (nft.name_and_comment(body, of_rule=True) for _, body in answers)
    return {mark for table, mark in found if table == name}


def dropping_chains() -> list[str]:
    """Return the chains that drop forwarded IPv4 packets unless a rule accepts them: `ip filter FORWARD`."""
    families = {1: "inet", 2: "ip"}
    found = (nft.base_chain(body) for _, body in _dump(nft.chains()))
    return [
        f"{families[family]} {table} {chain}"
        for family, table, chain, hook, drops in (one for one in found if one is not None)
        if hook == nft.FORWARD and drops and family in families
    ]


def _dump(request: bytes) -> list[tuple[int, bytes]]:
    try:
        sock = nft.open_socket()
    except OSError:  # a kernel without netfilter: nothing can be there
        return []
    with Netlink(sock) as netlink:
        return netlink.dump(request)


def _transact(messages: list[bytes], table: str) -> None:
    """Carry out `messages` in one transaction; KernelError with the kernel's words if it refuses one."""
    try:
        sock = nft.open_socket()
    except OSError as error:
        raise KernelError("open nf_tables for", table, error.errno or errno.EPROTONOSUPPORT) from error
    with sock:
        sock.setsockopt(SOL_NETLINK, _EXT_ACK, 1)
        data, every = bytearray(), [nft.batch_begin(), *messages, nft.batch_end()]
        for sequence, one in enumerate(every):
            data += one[:8] + sequence.to_bytes(4, "little") + one[12:]
        sock.send(data)
        waiting = set(range(1, len(messages) + 1))
        while waiting:
            for answer in messages_in(sock.recv(_BUFFER)):
                if answer.kind != NLMSG_ERROR:
                    continue
                if answer.error:
                    raise KernelError("change the nf_tables table", table, answer.error)
                waiting.discard(answer.seq)
