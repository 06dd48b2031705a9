"""A netlink socket that sends messages in batches and keeps the kernel's words about errors.

The theory, in four rules (net/netlink/af_netlink.c):

1. The kernel handles the messages of one `sendmsg` one after the other before the call returns,
   and goes on after a message that failed.
2. It answers every message that failed, and those that ask for an answer (NLM_F_ACK). So only the
   last message of a batch asks: one answer to read per batch when all went well.
3. With NETLINK_EXT_ACK an answer carries the kernel's own words; with NETLINK_CAP_ACK it doesn't
   repeat the message.
4. A socket belongs to the network namespace it was opened in, for ever.
"""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Protocol, Self

from emulator.errors import KernelError

NETLINK_ROUTE = 0
SOL_NETLINK = 270
NETLINK_CAP_ACK = 10
NETLINK_EXT_ACK = 11

NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST = 1
NLM_F_ACK = 4
NLM_F_DUMP = 0x300
NLM_F_ACK_TLVS = 0x200
NLM_F_CAPPED = 0x100

HEADER = struct.Struct("=IHHII")
_SEQUENCE = struct.Struct("=I")
_ERROR = struct.Struct("=i")
_SUCCESS = bytes(4)
_MAX_BATCH = 128 * 1024
_ANSWERS = 8192
"""Room for one datagram of answers: the kernel fills no more (NLMSG_GOODSIZE), one answer is far less."""

Label = tuple[str, str]
"""What a message does and to what: ("create link", "h1-eth0")."""


class Batch:
    """Messages to send together. `add` takes a whole message, header included, sequence number 0."""

    __slots__ = ("labels", "messages")

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.labels: list[Label] = []

    def add(self, message: bytes, op: str, target: str) -> None:
        """Append a message and what to call it in an error."""
        self.messages.append(message)
        self.labels.append((op, target))

    def __len__(self) -> int:
        return len(self.messages)

    def __bool__(self) -> bool:
        return bool(self.messages)


class Transport(Protocol):
    """The part of a socket that is used here: unit tests give a fake one."""

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


class Netlink:
    """A conversation with the kernel over one socket. Not for use by two threads at once."""

    def __init__(self, transport: Transport | None = None) -> None:
        self._transport = transport or open_route_socket()
        self._seq = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._transport.close()

    def run(self, batch: Batch, ignore: frozenset[int] = frozenset()) -> list[KernelError]:
        """Send `batch`; raise the first error whose errno isn't in `ignore`, return the ignored ones.

        The messages after one that failed have been carried out: whoever catches the error rolls
        back or goes on knowing that.
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
        if messages and sum(map(len, messages)) <= _MAX_BATCH:  # as good as always
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
        answer = self._transport.recv(_ANSWERS)
        if answer[8:12] == _SEQUENCE.pack(last) and answer[16:20] == _SUCCESS:  # all went well
            return errors
        while True:
            for seq, code, words in _answers(answer):
                if seq < first:
                    continue
                if code:
                    op, target = labels[seq - first]
                    errors.append(KernelError(op, target, code, words))
                if seq == last:
                    return errors
            answer = self._transport.recv(_ANSWERS)

    def dump(self, message: bytes) -> list[tuple[int, bytes]]:
        """Send a dump request and return (message type, body after the header) of each answer."""
        seq = self._seq
        self._seq += 1
        data = bytearray(message)
        _SEQUENCE.pack_into(data, 8, seq)
        self._transport.send(data)
        out: list[tuple[int, bytes]] = []
        while True:
            answer = self._transport.recv(1 << 18)
            at = 0
            while at + HEADER.size <= len(answer):
                length, kind, _flags, number, _port = HEADER.unpack_from(answer, at)
                if number == seq:
                    if kind in (NLMSG_DONE, NLMSG_ERROR):
                        code = -_ERROR.unpack_from(answer, at + HEADER.size)[0]
                        if code > 0:
                            raise KernelError("list", "kernel objects", code)
                        return out
                    out.append((kind, answer[at + HEADER.size : at + length]))
                at += (length + 3) & ~3


def _answers(data: bytes) -> list[tuple[int, int, str]]:
    """Return (sequence number, errno or 0, the kernel's words) of every answer in a datagram."""
    out = []
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, flags, seq, _port = HEADER.unpack_from(data, at)
        if length < HEADER.size:
            break
        if kind == NLMSG_ERROR:
            code = -_ERROR.unpack_from(data, at + HEADER.size)[0]
            out.append((seq, code, _words(data[at : at + length], flags) if flags & NLM_F_ACK_TLVS else ""))
        at += (length + 3) & ~3
    return out


def _words(answer: bytes, flags: int) -> str:
    """Return NLMSGERR_ATTR_MSG of an answer, with the attribute's offset where the kernel gives one."""
    at = HEADER.size + 4 + HEADER.size
    if not flags & NLM_F_CAPPED:
        original = struct.unpack_from("=I", answer, HEADER.size + 4)[0]
        at += (original - HEADER.size + 3) & ~3
    for kind, value in attributes(answer, at):
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
