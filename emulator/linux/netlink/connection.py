"""Netlink socket that sends messages in batches and keeps the kernel's error messages.

It relies on four rules (net/netlink/af_netlink.c):

1. The kernel handles the messages of one `sendmsg` one after the other before the call returns,
   and goes on after a message that failed.
2. It answers every message that failed, and those that ask for an answer (NLM_F_ACK). So only the
   last message of a batch asks: one answer to read per batch when all went well.
3. With NETLINK_EXT_ACK an answer carries the kernel's error text; with NETLINK_CAP_ACK it doesn't
   repeat the message.
4. A socket always belongs to the network namespace where it was opened.
"""

from __future__ import annotations

import errno
import socket
import struct
import time
from typing import Protocol

from emulator.closing import Closing
from emulator.errors import KernelError
from emulator.linux.netlink.datagrams import (
    HEADER,
    NLMSG_DONE,
    NLMSG_ERROR,
    NLMSG_OVERRUN,
    Message,
    messages_in,
)

NETLINK_ROUTE = 0
SOL_NETLINK = 270
NETLINK_CAP_ACK = 10
NETLINK_EXT_ACK = 11

NLM_F_REQUEST = 1
NLM_F_ACK = 4
NLM_F_DUMP_INTR = 0x10
NLM_F_DUMP = 0x300
NLM_F_ACK_TLVS = 0x200
NLM_F_CAPPED = 0x100

_SEQUENCE = struct.Struct("=I")
_SUCCESS = bytes(4)
_MAX_BATCH = 128 * 1024
_ANSWERS = 8192
"""Buffer size for one datagram of answers: the kernel's maximum (NLMSG_GOODSIZE), far above one answer."""

_DUMPS = 12
_PAUSE = 0.001
"""Attempts at a dump that changes while it is read, and the first pause between them: one millisecond,
doubled each time, two seconds in total."""

Label = tuple[str, str]
"""Operation and target of a message: ("create link", "h1-eth0")."""


class Batch:
    """Messages to send together. `add` takes a complete message: header included, sequence number 0."""

    __slots__ = ("labels", "messages")

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.labels: list[Label] = []

    def add(self, message: bytes, op: str, target: str) -> None:
        """Append a message, with its operation and target for error messages."""
        self.messages.append(message)
        self.labels.append((op, target))

    def __len__(self) -> int:
        return len(self.messages)

    def __bool__(self) -> bool:
        return bool(self.messages)


class Transport(Protocol):
    """Socket methods used here. Unit tests pass a fake socket."""

    def send(self, data: bytes | bytearray, /) -> int:
        """Send all messages in `data`."""
        ...

    def recv(self, size: int, /) -> bytes:
        """Return one datagram of answers."""
        ...

    def close(self) -> None:
        """Close the socket."""
        ...


def open_route_socket() -> socket.socket:
    """Return a NETLINK_ROUTE socket in this thread's network namespace."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_ROUTE)
    sock.setsockopt(SOL_NETLINK, NETLINK_CAP_ACK, 1)
    sock.setsockopt(SOL_NETLINK, NETLINK_EXT_ACK, 1)
    return sock


class Netlink(Closing):
    """Netlink connection over one socket. Not safe for use by two threads at once."""

    def __init__(self, transport: Transport | None = None) -> None:
        self._transport = transport or open_route_socket()
        self._seq = 1

    def close(self) -> None:
        """Close the socket."""
        self._transport.close()

    def run(self, batch: Batch, ignore: frozenset[int] = frozenset()) -> list[KernelError]:
        """Send `batch`; raise the first error whose errno isn't in `ignore`, return the ignored ones.

        The kernel has also processed the messages after the failed one. Callers that catch the error must
        take this into account.
        """
        errors = self.try_run(batch)
        for error in errors:
            if error.errno not in ignore:
                raise error
        return errors

    def try_run(self, batch: Batch) -> list[KernelError]:
        """Send `batch` and return all errors, in order."""
        errors: list[KernelError] = []
        start, messages = 0, batch.messages
        if messages and sum(map(len, messages)) <= _MAX_BATCH:  # almost always true
            return self._exchange(messages, batch.labels)
        while start < len(messages):
            size, end = 0, start
            while end < len(messages) and (end == start or size + len(messages[end]) <= _MAX_BATCH):
                size += len(messages[end])
                end += 1
            errors += self._exchange(messages[start:end], batch.labels[start:end])
            start = end
        return errors

    def _exchange(self, messages: list[bytes], labels: list[Label]) -> list[KernelError]:
        first = self._seq
        self._seq += len(messages)
        data = bytearray().join(messages)
        at = 0
        for seq, message in enumerate(messages, first):
            _SEQUENCE.pack_into(data, at + 8, seq)
            at += len(message)
        data[at - len(messages[-1]) + 6] |= NLM_F_ACK
        self._transport.send(data)
        errors: list[KernelError] = []
        last = self._seq - 1
        answer = self._receive(_ANSWERS)
        if answer[8:12] == _SEQUENCE.pack(last) and answer[16:20] == _SUCCESS:  # success
            return errors
        while True:
            for part in messages_in(answer):
                if part.kind != NLMSG_ERROR or not first <= part.seq <= last:
                    continue  # of an earlier, interrupted exchange
                if part.error:
                    op, target = labels[part.seq - first]
                    errors.append(KernelError(op, target, part.error, _extended_ack(part)))
                if part.seq == last:
                    return errors
            answer = self._receive(_ANSWERS)

    def _receive(self, size: int) -> bytes:
        """Return the next datagram of answers; KernelError (ENOBUFS) when the kernel dropped some."""
        try:
            return self._transport.recv(size)
        except OSError as error:
            raise KernelError("read", "the kernel's answer", error.errno or errno.EIO) from error

    def dump(self, message: bytes) -> list[tuple[int, bytes]]:
        """Send a dump request and return (message type, body after the header) of each answer.

        A list that changes while it is read lacks some entries and repeats others, so the request is sent
        again. Raises KernelError (EAGAIN) when the list changes every time.
        """
        for again in range(_DUMPS):
            whole, out = self._dump(message)
            if whole:
                return out
            time.sleep(_PAUSE * (1 << again) / 2)
        raise KernelError("list", "kernel objects", errno.EAGAIN, f"they changed {_DUMPS} times while read")

    def _dump(self, message: bytes) -> tuple[bool, list[tuple[int, bytes]]]:
        """Send the request once; return whether the answers are consistent, and the answers."""
        seq = self._seq
        self._seq += 1
        data = bytearray(message)
        _SEQUENCE.pack_into(data, 8, seq)
        self._transport.send(data)
        whole, out = True, list[tuple[int, bytes]]()
        while True:
            try:
                answer = self._receive(1 << 18)
            except KernelError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                whole = False  # some answers were lost, the others still arrive
                continue
            for part in messages_in(answer):
                if part.seq != seq:
                    continue
                if part.kind in (NLMSG_DONE, NLMSG_ERROR) and part.error:
                    raise KernelError("list", "kernel objects", part.error, _extended_ack(part))
                whole = whole and part.kind != NLMSG_OVERRUN and not part.flags & NLM_F_DUMP_INTR
                if part.kind in (NLMSG_DONE, NLMSG_ERROR):
                    return whole, out
                out.append((part.kind, part.body))


def _extended_ack(answer: Message) -> str:
    """Return NLMSGERR_ATTR_MSG of an answer: the kernel's error text, if any."""
    if answer.kind != NLMSG_ERROR or not answer.flags & NLM_F_ACK_TLVS:
        return ""
    at = HEADER.size + 4 + HEADER.size
    if not answer.flags & NLM_F_CAPPED and len(answer.data) >= at:
        original = _SEQUENCE.unpack_from(answer.data, HEADER.size + 4)[0]
        at += (original - HEADER.size + 3) & ~3
    for kind, value in attributes(answer.data, at):
        if kind == 1:
            return value.rstrip(b"\0").decode("utf-8", "replace")
    return ""


def attributes(data: bytes, at: int = 0) -> list[tuple[int, bytes]]:
    """Return (type, value) of the netlink attributes in `data` from offset `at` on."""
    out = []
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            break
        out.append((kind & 0x3FFF, data[at + 4 : at + length]))
        at += (length + 3) & ~3
    return out
