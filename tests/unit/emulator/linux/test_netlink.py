"""The netlink conversation, without a kernel: a fake transport answers."""

from __future__ import annotations

import errno
import struct

import pytest

from emulator.errors import KernelError
from emulator.linux.netlink import HEADER, NLM_F_ACK, Batch, Netlink, attributes


class FakeKernel:
    """Answers as net/netlink/af_netlink.c does: failures always, success only where asked."""

    def __init__(self, failures: dict[int, tuple[int, str]] | None = None) -> None:
        self.failures = failures or {}
        self.batches: list[list[tuple[int, int]]] = []
        self._answers: list[bytes] = []
        self._count = 0

    def send(self, data: bytes, /) -> int:
        at, seen = 0, []
        while at < len(data):
            length, kind, flags, seq, _ = HEADER.unpack_from(data, at)
            seen.append((kind, flags))
            code, words = self.failures.get(self._count, (0, ""))
            if code or flags & NLM_F_ACK:
                self._answers.append(self._answer(seq, code, words))
            self._count += 1
            at += (length + 3) & ~3
        self.batches.append(seen)
        return len(data)

    @staticmethod
    def _answer(seq: int, code: int, words: str) -> bytes:
        body = struct.pack("=i", -code) + HEADER.pack(16, 0, 0, seq, 0)
        flags = 0x100
        if words:
            text = words.encode() + b"\0"
            body += struct.pack("=HH", 4 + len(text), 1) + text + b"\0" * (-len(text) % 4)
            flags |= 0x200
        return HEADER.pack(16 + len(body), 2, flags, seq, 0) + body

    def recv(self, size: int, /) -> bytes:
        del size
        assert self._answers, "the client waits for an answer that never comes"
        return self._answers.pop(0)

    def close(self) -> None:
        assert not self._answers, "an answer was left unread"


def batch_of(count: int, size: int = 16) -> Batch:
    batch = Batch()
    for number in range(count):
        batch.add(HEADER.pack(size, 16, 1, 0, 0) + b"\0" * (size - 16), "make link", f"h{number}")
    return batch


def test_only_the_last_message_of_a_batch_asks_for_an_answer() -> None:
    kernel = FakeKernel()
    with Netlink(kernel) as netlink:
        netlink.run(batch_of(5))
    (seen,) = kernel.batches
    assert [bool(flags & NLM_F_ACK) for _, flags in seen] == [False] * 4 + [True]


def test_an_error_names_the_operation_the_object_and_the_kernels_words() -> None:
    kernel = FakeKernel({2: (errno.EINVAL, "Invalid master device")})
    with Netlink(kernel) as netlink, pytest.raises(KernelError) as caught:
        netlink.run(batch_of(5))
    error = caught.value
    assert (error.op, error.target, error.errno, error.ext_ack) == (
        "make link", "h2", errno.EINVAL, "Invalid master device"
    )  # fmt: skip
    assert str(error) == "make link h2: Invalid argument (Invalid master device)"


def test_the_conversation_goes_on_after_an_error() -> None:
    kernel = FakeKernel({0: (errno.EEXIST, "")})
    with Netlink(kernel) as netlink:
        assert [e.errno for e in netlink.try_run(batch_of(3))] == [errno.EEXIST]
        assert netlink.try_run(batch_of(3)) == []


def test_errors_that_may_be_ignored_are_returned_and_others_raised() -> None:
    kernel = FakeKernel({0: (errno.EEXIST, ""), 4: (errno.ENODEV, "")})
    with Netlink(kernel) as netlink:
        assert len(netlink.run(batch_of(2), ignore=frozenset({errno.EEXIST}))) == 1
        with pytest.raises(KernelError, match="make link h2: No such device"):
            netlink.run(batch_of(3), ignore=frozenset({errno.EEXIST}))


def test_a_large_batch_is_sent_in_parts_and_errors_keep_their_names() -> None:
    kernel = FakeKernel({25: (errno.ENOMEM, "")})
    with Netlink(kernel) as netlink:
        errors = netlink.try_run(batch_of(30, size=16 * 1024))
    assert len(kernel.batches) > 1
    assert sum(map(len, kernel.batches)) == 30
    assert [error.target for error in errors] == ["h25"]
    assert "out of memory" in str(errors[0])


def test_an_empty_batch_sends_nothing() -> None:
    kernel = FakeKernel()
    with Netlink(kernel) as netlink:
        netlink.run(Batch())
    assert kernel.batches == []


def test_attributes_stop_at_the_first_broken_one() -> None:
    good = struct.pack("=HHI", 8, 7, 42)
    assert attributes(good + struct.pack("=HH", 2, 9)) == [(7, struct.pack("=I", 42))]
