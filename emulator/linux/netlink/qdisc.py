"""Traffic control messages that shape one direction of a link.

Formats: include/uapi/linux/pkt_sched.h and net/sched/sch_{tbf,netem,fifo}.c.

A token bucket (tbf) limits the rate. htb is as exact (measured, TCP over veth: both within 0.3 % of the
rate from 10 Mbit/s to 10 Gbit/s). But htb needs a class beside the qdisc, and its limit counts packets of
up to 64 KiB, while that of tbf counts bytes. netem adds delay, jitter, loss, duplicates, reordering and
corruption. To combine them, netem is the child of tbf. In the reverse order, kernels before 6.13 miscount
packets when tbf splits large ones, and the link stops.

Rates are those of Ethernet frames without preamble and checksum: 10 Mbit/s carry 9.56 Mbit/s of
TCP in frames of 1,514 bytes.

`queue` is the maximum number of full-size packets that wait for the link. By default, the queue holds the
bytes that the link sends in one round trip (bandwidth x delay x 2: the rule of thumb of Villamizar and
Song, "High performance TCP in ANSNET", 1994) or in 5 ms, whichever is more. Its minimum is 64 packets (one
segment of the sender's offload is 45). Packets in flight are added, because netem counts them in its limit
too. netem counts packets of any size, so bandwidth x (delay + jitter) is counted in packets of 512 bytes.
Without a bandwidth, the assumed rate is a million packets per second.
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
"""Handles, one for each position and kind: the kernel refuses to change a handle's kind."""
_BELOW_TBF = TBF | 1

_TCA_KIND, _TCA_OPTIONS = 1, 2
_TBF_PARMS, _TBF_RATE64, _TBF_BURST = 1, 4, 6
_NETEM_REORDER, _NETEM_CORRUPT, _NETEM_LATENCY64, _NETEM_JITTER64 = 3, 4, 10, 11

_U32 = 0xFFFFFFFF
_TICK = 64e-9
"""Time unit of old attributes: PSCHED_SHIFT is 6 (include/net/pkt_sched.h)."""
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
    """Append the messages that apply `shape` to what the interface `index` sends.

    `is_new` means that it had no shape before. `target` is its name in errors.
    """
    for made in (shape_messages if is_new else reshape_messages)(index, shape, mtu):
        batch.add(made, "shape", target)


def shape_messages(index: int, shape: Shape, mtu: int = 1500) -> list[bytes]:
    """Return the messages that shape a new interface `index`; none for a plain shape."""
    return [] if _is_empty(shape) else _put(index, shape, mtu)


def reshape_messages(index: int, shape: Shape, mtu: int = 1500) -> list[bytes]:
    """Return the messages that change any shape of a link to `shape`.

    A change of rate keeps the waiting packets. Removals answer ENOENT where nothing exists.

    A tbf creates its own child queue and adapts its length. A queue that another shape put in that position
    is removed first. Then the tbf creates its own again, and the link is as if it had never changed.
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
    """Return the message that creates, changes or replaces the qdisc under `parent`."""
    body = _TCMSG.pack(0, index, handle, parent, 0)
    body += attribute(_TCA_KIND, kind + b"\0") + attribute(_TCA_OPTIONS, options)
    return message(RTM_NEWQDISC, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE, body)


def burst_bytes(bandwidth: float, mtu: int = 1500) -> int:
    """Return the size of the token bucket in bytes: a millisecond of the rate, at least two packets."""
    return min(max(int(bandwidth / 8 * _BURST_TIME), _LEAST_BURST_PACKETS * (mtu + _HEADER)), _U32 // 2)


def queue_bytes(shape: Shape, mtu: int = 1500) -> int:
    """Return the queue limit in bytes of a link with a bandwidth."""
    packet = mtu + _HEADER
    if shape.queue is not None:
        return min(shape.queue * packet, _U32)
    seconds = max(2 * ((shape.delay or 0) + (shape.jitter or 0)), _LEAST_QUEUE_TIME)
    wanted = (shape.bandwidth or 0) / 8 * seconds
    return min(max(math.ceil(wanted), _LEAST_QUEUE_PACKETS * packet), _U32)


def waiting_packets(shape: Shape, mtu: int = 1500) -> int:
    """Return the queue limit in full-size packets of a link with a bandwidth."""
    return math.ceil(queue_bytes(shape, mtu) / (mtu + _HEADER))


def queue_packets(shape: Shape, mtu: int = 1500) -> int:
    """Return netem's limit: packets in flight plus waiting packets."""
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

    With a known link layer, the kernel needs no table of transmission times. The options contain the burst
    twice: in bytes, and as time for kernels before 3.14, which support only 32-bit rates.
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

    The options contain times twice: in 32-bit ticks (at most 274 s) for kernels before 4.16, and in 64-bit
    nanoseconds, which take precedence. They always contain reordering and corruption, even 0: netem keeps
    the old values when a change omits them.
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
    """Return the parameters in netem options, written by us or by the kernel.

    (limit, loss, gap, duplicate, reorder, corrupt, delay in ns, jitter in ns). Shares are of 2^32 - 1.
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
    """Return a share in netem's unit, as part of 2^32 - 1."""
    return round((share or 0.0) * _U32)
