"""The netlink conversation, without a kernel: a fake transport answers."""

from __future__ import annotations

import errno
import struct

import pytest

from emulator.errors import KernelError
from emulator.linux.netlink.connection import NLM_F_ACK, NLM_F_DUMP_INTR, Batch, Netlink, attributes
from emulator.linux.netlink.datagrams import HEADER
from emulator.linux.netlink.messages import link_dump


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


def test_a_part_holds_as_many_messages_as_fit_into_128_kib_and_at_least_one() -> None:
    for size, parts in (
        (16 * 1024, [8, 8, 8, 6]),
        (128 * 1024, [1] * 30),
        (200 * 1024, [1] * 30),
        (400, [30]),
    ):
        kernel = FakeKernel()
        with Netlink(kernel) as netlink:
            assert netlink.try_run(batch_of(30, size=size)) == []
        assert [len(batch) for batch in kernel.batches] == parts, size


def test_a_message_keeps_its_own_flags() -> None:
    batch = Batch()
    batch.add(HEADER.pack(16, 16, 0x601, 0, 0), "make link", "h1")
    kernel = FakeKernel()
    with Netlink(kernel) as netlink:
        netlink.run(batch)
    assert kernel.batches == [[(16, 0x601 | NLM_F_ACK)]]


def test_an_empty_batch_sends_nothing() -> None:
    kernel = FakeKernel()
    with Netlink(kernel) as netlink:
        netlink.run(Batch())
    assert kernel.batches == []


def test_attributes_stop_at_the_first_broken_one() -> None:
    good = struct.pack("=HHI", 8, 7, 42)
    assert attributes(good + struct.pack("=HH", 2, 9)) == [(7, struct.pack("=I", 42))]


def test_an_answer_to_an_earlier_conversation_is_no_answer_to_this_one() -> None:
    """As after a conversation that was broken off, by Ctrl-C or by an error, before all was read."""
    kernel = FakeKernel()
    with Netlink(kernel) as netlink:
        netlink.run(batch_of(3))
        kernel._answers.append(kernel._answer(2, errno.EEXIST, "of the batch before"))
        kernel._answers.append(kernel._answer(999, errno.EEXIST, "of nobody"))
        assert netlink.try_run(batch_of(3)) == []


class ListingKernel:
    """Answers each request for a list by the next of `scripts`: datagrams, or what recv raises."""

    def __init__(self, *scripts: list[bytes | OSError]) -> None:
        self.scripts = list(scripts)
        self.waiting: list[bytes | OSError] = []
        self.asked = 0

    def send(self, data: bytes, /) -> int:
        self.asked += 1
        (seq,) = struct.unpack_from("=I", data, 8)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        self.waiting += [
            one if isinstance(one, OSError) else one.replace(SEQ, struct.pack("=I", seq)) for one in script
        ]
        return len(data)

    def recv(self, size: int, /) -> bytes:
        assert self.waiting, "the client waits for an answer that never comes"
        found = self.waiting.pop(0)
        if isinstance(found, OSError):
            raise found
        return found[:size]

    def close(self) -> None:
        pass


SEQ = b"\xf1\xf2\xf3\xf4"
"""Stands for the sequence number of the request."""


def listed(kind: int, body: bytes, flags: int = 2) -> bytes:
    header = HEADER.pack(HEADER.size + len(body), kind, flags, 0, 0)
    return header[:8] + SEQ + header[12:] + body + bytes(-len(body) % 4)


LINK = listed(16, b"a link..")
END = listed(3, bytes(4))


def dumped(*scripts: list[bytes | OSError], pauses: list[float] | None = None) -> tuple[list[bytes], int]:
    """Return the bodies that a dump gives, and how often the kernel was asked."""
    kernel = ListingKernel(*scripts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "emulator.linux.netlink.connection.time.sleep", (pauses if pauses is not None else []).append
        )
        found = Netlink(kernel).dump(link_dump())
    assert not kernel.waiting, "an answer was left unread"
    return [body for _, body in found], kernel.asked


def test_a_list_comes_in_several_datagrams_of_several_messages() -> None:
    odd = listed(16, b"odd")
    assert dumped([odd + LINK, LINK, END]) == ([b"odd", b"a link..", b"a link.."], 1)
    assert dumped([LINK + END]) == ([b"a link.."], 1)


def test_answers_to_others_are_no_part_of_a_list() -> None:
    foreign = HEADER.pack(HEADER.size + 4, 16, 2, 7777, 0) + b"them"
    ended = HEADER.pack(HEADER.size + 4, 3, 2, 7777, 0) + bytes(4)
    assert dumped([foreign + LINK + ended, END]) == ([b"a link.."], 1)


@pytest.mark.parametrize(
    "broken",
    [
        HEADER.pack(0, 16, 2, 1, 0),
        HEADER.pack(15, 16, 2, 1, 0),
        HEADER.pack(17, 16, 2, 1, 0),
        HEADER.pack(2**32 - 1, 16, 2, 1, 0) + bytes(100),
        LINK + bytes(3),
        LINK[:-1],
    ],
)
@pytest.mark.parametrize("listing", [True, False])
def test_a_length_that_cannot_be_is_an_error_and_not_an_endless_loop(broken: bytes, listing: bool) -> None:
    netlink = Netlink(ListingKernel([LINK, broken]))
    with pytest.raises(KernelError, match="read the kernel's answer: Bad message") as caught:
        netlink.dump(link_dump()) if listing else netlink.run(batch_of(2))
    assert caught.value.errno == errno.EBADMSG


def test_an_error_without_its_code_is_an_error() -> None:
    with pytest.raises(KernelError, match="has no error code"):
        dumped([listed(2, b"")])


def test_a_list_that_changed_while_it_was_read_is_asked_for_again() -> None:
    torn = [LINK, listed(16, b"twice", 2 | NLM_F_DUMP_INTR), END]
    torn_at_the_end = [LINK, listed(3, bytes(4), 2 | NLM_F_DUMP_INTR)]
    lost: list[bytes | OSError] = [LINK, OSError(errno.ENOBUFS, "no room"), END]
    overrun = [LINK, listed(4, bytes(4)), END]
    assert dumped(torn, torn_at_the_end, lost, overrun, [LINK, END]) == ([b"a link.."], 5)


def test_a_list_that_always_changes_is_given_up_and_said() -> None:
    pauses: list[float] = []
    with pytest.raises(KernelError, match=r"list kernel objects: .*they changed 12 times") as caught:
        dumped([LINK, listed(3, bytes(4), NLM_F_DUMP_INTR)], pauses=pauses)
    assert caught.value.errno == errno.EAGAIN
    assert pauses == sorted(pauses)
    assert 1 < sum(pauses) < 3


def test_an_error_of_a_list_is_raised() -> None:
    with pytest.raises(KernelError, match="list kernel objects: Operation not permitted"):
        dumped([listed(2, struct.pack("=i", -errno.EPERM) + bytes(16))])
    with pytest.raises(KernelError, match="list kernel objects: No such device"):
        dumped([LINK, listed(3, struct.pack("=i", -errno.ENODEV))])


def test_another_failure_of_the_socket_is_told_as_it_is() -> None:
    with pytest.raises(KernelError, match="read the kernel's answer: Bad file descriptor"):
        dumped([LINK, OSError(errno.EBADF, "closed")])
    with pytest.raises(KernelError, match="No buffer space"):
        Netlink(ListingKernel([OSError(errno.ENOBUFS, "no room")])).run(batch_of(1))


def test_the_words_of_an_answer_that_repeats_its_message_are_found() -> None:
    """Without NETLINK_CAP_ACK, and from kernels that don't know it, the whole message comes first."""
    original = HEADER.pack(22, 16, 1, 0, 0) + b"sixsix" + bytes(2)
    text = b"no such table\0"
    words = struct.pack("=HH", 4 + len(text), 1) + text + bytes(-len(text) % 4)
    answer = listed(2, struct.pack("=i", -errno.ENOENT) + original + words, 0x200)
    with pytest.raises(KernelError, match=r"No such file or directory \(no such table\)"):
        dumped([answer])
