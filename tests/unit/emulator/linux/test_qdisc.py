"""The bytes of shaping messages, against what Debian's tc (iproute2 6.1.0) sends.

The golden bytes were read off `strace tc qdisc …`. Two things differ, both on purpose: tc adds a
table of transmission times (TCA_TBF_RTAB), which kernels don't read when the link layer is given,
and tc 6.1 has no 64-bit times for netem (numbers 10 and 11 of the TCA_NETEM list in pkt_sched.h).
"""

from __future__ import annotations

import struct

import pytest

from emulator.linux.netlink import qdisc
from emulator.linux.netlink.connection import attributes
from emulator.linux.netlink.datagrams import HEADER
from topologies.profiles import PLAIN, Shape

# tc qdisc replace dev v0 root handle 1: tbf rate 10mbit burst 5000 limit 50000
TC_TBF_10MBIT = bytes.fromhex(
    "28000100 03010000ffff0000d0121300 000000000000000000000000 50c30000 24f40000 00000000 0800060088130000"
)
# tc qdisc replace dev v0 root handle 1: tbf rate 100gbit burst 1250000 limit 5000000
TC_TBF_100GBIT = bytes.fromhex(
    "28000100 03010000ffff0000ffffffff 000000000000000000000000 404b4c00 c2110000 00000000 08000600d0121300"
    "0c00040000dd0ee902000000"
)
# tc qdisc add dev v0 root netem delay 10ms 2ms loss 2% duplicate 1% reorder 25% corrupt 0.5% limit 5000
TC_NETEM = bytes.fromhex(
    "5a620200 88130000 52b81e05 01000000 295c8f02 127a0000"
    "0c000300 00000040 00000000 0c000400 14ae4701 00000000"
)


def parts(message: bytes) -> tuple[int, int, int, int, int, str, bytes]:
    length, kind, flags, _seq, _port = HEADER.unpack_from(message)
    assert length == len(message)
    _family, index, handle, parent, _info = struct.unpack_from("=BxxxiIII", message, HEADER.size)
    found = dict(attributes(message, HEADER.size + 20))
    return kind, flags, index, handle, parent, found.get(1, b"").rstrip(b"\0").decode(), found.get(2, b"")


def test_token_bucket_is_what_tc_sends() -> None:
    assert qdisc.tbf_options(1_250_000, 5000, 50000) == TC_TBF_10MBIT


def test_token_bucket_beyond_32_bits_of_bytes_per_second() -> None:
    made = qdisc.tbf_options(12_500_000_000, 1_250_000, 5_000_000)
    # but for the burst as time at 32..36, rounded by tc, not read since Linux 3.14
    assert (made[:32], made[36:]) == (TC_TBF_100GBIT[:32], TC_TBF_100GBIT[36:])


def test_netem_is_what_tc_sends_and_exact_times() -> None:
    shape = Shape(delay=0.010, jitter=0.002, loss=0.02, duplicate=0.01, reorder=0.25, corrupt=0.005)
    made = qdisc.netem_options(shape, 5000)
    assert made[: len(TC_NETEM)] == TC_NETEM
    assert made[len(TC_NETEM) :] == struct.pack("=HHqHHq", 12, 10, 10_000_000, 12, 11, 2_000_000)


def test_netem_delay_beyond_32_bits_of_ticks() -> None:
    made = qdisc.netem_options(Shape(delay=3600.0), 1)
    assert made[:4] == b"\xff\xff\xff\xff"
    assert dict(attributes(made, 24))[10] == struct.pack("=q", 3600 * 10**9)


def test_netem_is_told_that_nothing_is_reordered_or_corrupted_any_more() -> None:
    """Seen on Linux 6.1: a change without these attributes leaves what was."""
    given = dict(attributes(qdisc.netem_options(Shape(delay=0.01), 1), 24))
    assert given[3] == given[4] == bytes(8)


def test_netem_total_loss() -> None:
    assert qdisc.netem_options(Shape(loss=1.0), 1)[8:12] == b"\xff\xff\xff\xff"


@pytest.mark.parametrize("shape", [PLAIN, Shape(delay=0.0), Shape(loss=0.0, duplicate=0.0)])
def test_nothing_to_shape_is_no_message(shape: Shape) -> None:
    assert qdisc.shape_messages(7, shape) == []


def test_rate_is_one_root_token_bucket() -> None:
    (message,) = qdisc.shape_messages(7, Shape(bandwidth=1e9))
    kind, flags, index, handle, parent, name, options = parts(message)
    assert (kind, flags, index) == (36, 0x501, 7)
    assert (handle, parent, name) == (0x10000, 0xFFFFFFFF, "tbf")
    assert options == qdisc.tbf_options(125_000_000, 125_000, 625_000)


def test_rate_with_delay_is_a_token_bucket_with_netem_below() -> None:
    first, second = qdisc.shape_messages(7, Shape(bandwidth=1e8, delay=0.05))
    assert parts(first)[3:6] == (0x10000, 0xFFFFFFFF, "tbf")
    assert parts(second)[3:6] == (0x20000, 0x10001, "netem")


def test_delay_alone_is_a_root_netem() -> None:
    (message,) = qdisc.shape_messages(7, Shape(delay=0.05))
    assert parts(message)[3:6] == (0x30000, 0xFFFFFFFF, "netem")


def test_queue_alone_is_a_fifo_of_packets() -> None:
    (message,) = qdisc.shape_messages(7, Shape(queue=50))
    assert parts(message)[3:] == (0x40000, 0xFFFFFFFF, "pfifo", struct.pack("=I", 50))


def test_back_to_plain_deletes_the_root() -> None:
    (message,) = qdisc.reshape_messages(7, PLAIN)
    assert parts(message)[:5] == (37, 1, 7, 0, 0xFFFFFFFF)


def test_a_new_rate_takes_away_what_netem_may_have_left_in_the_queues_place() -> None:
    first, second = qdisc.reshape_messages(7, Shape(bandwidth=1e7))
    assert parts(first)[:5] == (37, 1, 7, 0, 0x10001)
    assert [second] == qdisc.shape_messages(7, Shape(bandwidth=1e7))


def test_handles_differ_by_place_and_kind() -> None:
    handles = {qdisc.TBF, qdisc.NETEM, qdisc.NETEM_BELOW, qdisc.FIFO}
    assert len(handles) == 4


def test_queue_holds_a_round_trip() -> None:
    assert qdisc.queue_bytes(Shape(bandwidth=1e9, delay=0.1)) == 25_000_000
    assert qdisc.queue_bytes(Shape(bandwidth=1e9)) == 625_000
    assert qdisc.queue_bytes(Shape(bandwidth=1e6)) == 64 * 1514
    assert qdisc.queue_bytes(Shape(bandwidth=1e6, queue=10)) == 15140
    assert qdisc.queue_bytes(Shape(bandwidth=1e6, queue=10), mtu=9000) == 90140
    assert qdisc.queue_bytes(Shape(bandwidth=4e12, delay=1.0)) == 0xFFFFFFFF


def test_netem_limit_is_never_below_what_is_in_flight() -> None:
    bandwidth, delay = 1e9, 0.1
    in_flight = bandwidth * delay / 8 / 1514
    assert qdisc.queue_packets(Shape(bandwidth=bandwidth, delay=delay)) > 2 * in_flight > 1000
    # 12.5 MB in flight in packets of 512 bytes, and the 20 asked for
    assert qdisc.queue_packets(Shape(bandwidth=bandwidth, delay=delay, queue=20)) == 24415 + 20
    assert qdisc.queue_packets(Shape(delay=0.1)) == 101_000
    assert qdisc.queue_packets(Shape(loss=0.5)) == 1000


def test_burst_holds_whole_packets() -> None:
    assert qdisc.burst_bytes(1e6) == 2 * 1514
    assert qdisc.burst_bytes(1e6, mtu=9000) == 2 * 9014
    assert qdisc.burst_bytes(5e9) == 625_000
