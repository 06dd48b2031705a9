"""Tables of nf_tables that are ours: made in one transaction, compared, and removed.

A table is recognised by its comment: one of the same name that somebody else made is never touched.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network

from emulator.errors import KernelError
from emulator.linux.netlink import nft_messages as nft
from emulator.linux.netlink.connection import SOL_NETLINK, Netlink
from emulator.linux.netlink.datagrams import NLMSG_ERROR, messages_in

CHAIN = "postrouting"
_EXT_ACK = 11
_BUFFER = 1 << 16


@dataclass(frozen=True)
class Masquerade:
    """Packets that get the address of the interface by which they leave.

    Those from `source` that leave by another interface than `interface`; without `source`, those that leave
    by `interface`.
    """

    interface: str
    source: IPv4Network | None = None

    @property
    def mark(self) -> str:
        """Text by which the rule is found again."""
        return f"emulator {self.source} not {self.interface}" if self.source else f"emulator {self.interface}"

    def message(self, table: str) -> bytes:
        """Return the message that appends the rule."""
        source = nft.from_network(self.source) if self.source else []
        words = [*source, *nft.leaving_by(self.interface, other=self.source is not None), *nft.masquerade()]
        return nft.rule(table, CHAIN, words, self.mark)


def put_table(name: str, comment: str, rules: Iterable[Masquerade]) -> None:
    """Create the table `name` in this thread's namespace, or replace it: at no time is it incomplete."""
    fresh = [nft.table(name, comment), nft.delete_table(name), nft.table(name, comment)]
    _transact([*fresh, nft.source_nat_chain(name, CHAIN), *(rule.message(name) for rule in rules)], name)


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


def has_chain(name: str) -> bool:
    """Return whether the table `name` has its chain at its hook."""
    found = (nft.base_chain(body) for _, body in _dump(nft.chains()))
    return any(one is not None and one[1:4] == (name, CHAIN, nft.POSTROUTING) for one in found)


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
