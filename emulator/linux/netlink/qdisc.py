"""Traffic control messages: what shapes a link's direction.

Formats: include/uapi/linux/pkt_sched.h and net/sched/sch_{tbf,netem,fifo}.c.

A rate is a token bucket (tbf). htb is as exact (measured, TCP over veth: both within 0.3 % of the
rate from 10 Mbit/s to 10 Gbit/s) but needs a class beside the qdisc, and its limit counts packets of up to
64 KiB where tbf's counts bytes. Delay, jitter, loss, duplicates, reordering and corruption are
netem. Both together are a tbf with netem as its child: the other way round kernels before 6.13
lose count of the packets that tbf cuts large ones into, and the link stops.

Rates are those of Ethernet frames without preamble and checksum: 10 Mbit/s carry 9.56 Mbit/s of
TCP in frames of 1,514 bytes.

The queue. `queue` counts the full-size packets that may wait for the link. Where it isn't given, as
many bytes wait as the link sends in one round trip (bandwidth x delay x 2: the rule of thumb of
Villamizar and Song, "High performance TCP in ANSNET", 1994) or in 5 ms, whichever is more, and
64 packets at the least (one segment of the sender's offload is 45). Those in flight come on top:
netem counts them in its limit too, packets as they come, so bandwidth x (delay + jitter) is
counted in packets of 512 bytes. Without a bandwidth, a million packets a second.
"""

from __future__ import annotations

import math
import struct

from emulator.linux.netlink.connection import NLM_F_REQUEST, Batch, attributes
from emulator.linux.netlink.messages import NLM_F_CREATE, NLM_F_REPLACE, attribute, message
from topologies.profiles import Shape

RTM_NEWQDISC, RTM_DELQDISC = 36, 37
ROOT = 0xFFFFFFFF
TBF, NETEM_BELOW, NETEM, FIFO = 0x10000, 0x20000, 0x30000, 0x40000
"""Handles, one for each place and kind: the kernel refuses to change a handle's kind."""
_BELOW_TBF = TBF | 1

_TCA_KIND, _TCA_OPTIONS = 1, 2
_TBF_PARMS, _TBF_RATE64, _TBF_BURST = 1, 4, 6
_NETEM_REORDER, _NETEM_CORRUPT, _NETEM_LATENCY64, _NETEM_JITTER64 = 3, 4, 10, 11

_U32 = 0xFFFFFFFF
_TICK = 64e-9
"""The unit of time of old attributes: PSCHED_SHIFT is 6 (include/net/pkt_sched.h)."""
_HEADER = 14
_BURST_TIME = 1e-3
_LEAST_BURST_PACKETS = 2
_LEAST_QUEUE_TIME = 5e-3
_LEAST_QUEUE_PACKETS = 64
_IN_FLIGHT_PACKET = 512
_UNLIMITED_RATE = 1e6  # packets per second

_TCMSG = struct.Struct("=BxxxiIII")
_RATESPEC = struct.Struct("=BBHhHI")
_NO_RATE = bytes(_RATESPEC.size)
_ETHERNET = 1
_NETEM_OPTIONS = struct.Struct("=IIIIII")


def add_shape(batch: Batch, index: int, shape: Shape, mtu: int, target: str, *, is_new: bool = False) -> None:
    """Add what makes the interface `index` send as `shape` says; one that `is_new` wasn't shaped before.

    `target` is its name in errors.
    """
    for made in (shape_messages if is_new else reshape_messages)(index, shape, mtu):
        batch.add(made, "shape", target)


def shape_messages(index: int, shape: Shape, mtu: int = 1500) -> list[bytes]:
    """Return the messages that shape what the new link with `index` sends; none for a plain shape."""
    return [] if _is_empty(shape) else _put(index, shape, mtu)


def reshape_messages(index: int, shape: Shape, mtu: int = 1500) -> list[bytes]:
    """Return the messages that make a link's shape be `shape`, whatever it was.

    A change of rate keeps the packets that wait. What takes away answers ENOENT where there is nothing.

    A tbf brings its own queue and changes its length with its own; what another shape had put in that
    place goes first: then the tbf makes its own again, and the link is as one that was never changed.
    """
    if _is_empty(shape):
        return [_delete(index, ROOT)]
    if shape.bandwidth is not None and not shape.needs_netem:
        return [_delete(index, _BELOW_TBF), *_put(index, shape, mtu)]
    return _put(index, shape, mtu)


def _delete(index: int, parent: int) -> bytes:
    return message(RTM_DELQDISC, NLM_F_REQUEST, _TCMSG.pack(0, index, 0, parent, 0))


def _is_empty(shape: Shape) -> bool:
    return shape.bandwidth is None and shape.queue is None and not shape.needs_netem


def _put(index: int, shape: Shape, mtu: int) -> list[bytes]:
    out = []
    if shape.bandwidth is not None:
        rate = max(1, round(shape.bandwidth / 8))
        tbf = tbf_options(rate, burst_bytes(shape.bandwidth, mtu), queue_bytes(shape, mtu))
        out.append(_qdisc(index, ROOT, TBF, b"tbf", tbf))
    if shape.needs_netem:
        parent, handle = (ROOT, NETEM) if shape.bandwidth is None else (_BELOW_TBF, NETEM_BELOW)
        out.append(_qdisc(index, parent, handle, b"netem", netem_options(shape, queue_packets(shape, mtu))))
    elif shape.bandwidth is None:
        out.append(_qdisc(index, ROOT, FIFO, b"pfifo", struct.pack("=I", shape.queue or 0)))
    return out


def _qdisc(index: int, parent: int, handle: int, kind: bytes, options: bytes) -> bytes:
    """Return the message that makes the qdisc under `parent`, or changes it, or takes another's place."""
    body = _TCMSG.pack(0, index, handle, parent, 0)
    body += attribute(_TCA_KIND, kind + b"\0") + attribute(_TCA_OPTIONS, options)
    return message(RTM_NEWQDISC, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE, body)


def burst_bytes(bandwidth: float, mtu: int = 1500) -> int:
    """Return the size of the token bucket: a millisecond of the rate, two packets at the least."""
    return min(max(int(bandwidth / 8 * _BURST_TIME), _LEAST_BURST_PACKETS * (mtu + _HEADER)), _U32 // 2)


def queue_bytes(shape: Shape, mtu: int = 1500) -> int:
    """Return how many bytes may wait for a link that has a bandwidth."""
    packet = mtu + _HEADER
    if shape.queue is not None:
        return min(shape.queue * packet, _U32)
    seconds = max(2 * ((shape.delay or 0) + (shape.jitter or 0)), _LEAST_QUEUE_TIME)
    wanted = (shape.bandwidth or 0) / 8 * seconds
    return min(max(math.ceil(wanted), _LEAST_QUEUE_PACKETS * packet), _U32)


def waiting_packets(shape: Shape, mtu: int = 1500) -> int:
    """Return how many full-size packets may wait for a link that has a bandwidth."""
    return math.ceil(queue_bytes(shape, mtu) / (mtu + _HEADER))


def queue_packets(shape: Shape, mtu: int = 1500) -> int:
    """Return netem's limit: packets in flight and packets that wait."""
    seconds = (shape.delay or 0) + (shape.jitter or 0)
    if shape.bandwidth is None:
        in_flight = seconds * _UNLIMITED_RATE
        waiting = shape.queue if shape.queue is not None else 1000  # netem's own default
    else:
        in_flight = shape.bandwidth / 8 * seconds / _IN_FLIGHT_PACKET
        waiting = waiting_packets(shape, mtu)
    return min(math.ceil(in_flight) + waiting, 0x7FFFFFFF)


def tbf_options(rate: int, burst: int, limit: int) -> bytes:
    """Return a token bucket's options: `rate` in bytes per second, `burst` and `limit` in bytes.

    With a known link layer the kernel asks for no table of transmission times. The burst is given
    twice: as time for kernels before 3.14, which know no rate beyond 32 bits, and in bytes.
    """
    spec = _RATESPEC.pack(3, _ETHERNET, 0, -1, 0, min(rate, _U32))
    ticks = min(int(burst / min(rate, _U32) / _TICK), _U32)
    options = attribute(_TBF_PARMS, spec + _NO_RATE + struct.pack("=III", limit, ticks, 0))
    options += attribute(_TBF_BURST, struct.pack("=I", burst))
    if rate > _U32:
        options += attribute(_TBF_RATE64, struct.pack("=Q", rate))
    return options


def netem_options(shape: Shape, limit: int) -> bytes:
    """Return netem's options; `limit` in packets.

    Times are given twice: in 32-bit ticks (274 s at the most) for kernels before 4.16, and in
    64-bit nanoseconds, which win. Reordering and corruption are given even where there is none:
    netem keeps those of before when a change leaves them out.
    """
    delay, jitter = shape.delay or 0.0, shape.jitter or 0.0
    gap = 1 if shape.reorder else 0
    options = _NETEM_OPTIONS.pack(
        _ticks(delay), limit, _share(shape.loss), gap, _share(shape.duplicate), _ticks(jitter)
    )
    options += attribute(_NETEM_REORDER, struct.pack("=II", _share(shape.reorder), 0))
    options += attribute(_NETEM_CORRUPT, struct.pack("=II", _share(shape.corrupt), 0))
    options += attribute(_NETEM_LATENCY64, struct.pack("=q", round(delay * 1e9)))
    return options + attribute(_NETEM_JITTER64, struct.pack("=q", round(jitter * 1e9)))


def netem_parameters(options: bytes) -> tuple[int, ...]:
    """Return what netem options say, written by us or by the kernel.

    (limit, loss, gap, duplicate, reorder, corrupt, delay in ns, jitter in ns), shares of 2^32 - 1.
    """
    latency, limit, loss, gap, duplicate, jitter = _NETEM_OPTIONS.unpack_from(options)
    found = dict(attributes(options, _NETEM_OPTIONS.size))
    reorder, corrupt = (
        struct.unpack_from("=I", found.get(kind, bytes(4)))[0] for kind in (_NETEM_REORDER, _NETEM_CORRUPT)
    )
    times = [
        struct.unpack("=q", found[kind])[0] if kind in found else ticks * 64
        for kind, ticks in ((_NETEM_LATENCY64, latency), (_NETEM_JITTER64, jitter))
    ]
    return (limit, loss, gap, duplicate, reorder, corrupt, *times)


def _ticks(seconds: float) -> int:
    return min(round(seconds / _TICK), _U32)


def _share(share: float | None) -> int:
    """Return a share as netem wants it: of 2^32 - 1."""
    return round((share or 0.0) * _U32)
