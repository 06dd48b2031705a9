"""Shapes in the terms of Mininet's traffic control. Pure."""

from __future__ import annotations

from typing import Any

from emulator.linux.netlink.qdisc import queue_packets, waiting_packets
from topologies.profiles import Shape

Json = dict[str, Any]


def tc_options(shape: Shape, mtu: int = 1500) -> Json:
    """Return `shape` as the parameters of Mininet's TCIntf: bw in Mbit/s, loss in percent."""
    out: Json = {}
    if shape.bandwidth is not None:
        out["bw"] = shape.bandwidth / 1e6
    if shape.needs_netem:
        out["delay"] = _time(shape.delay or 0)
        out["max_queue_size"] = queue_packets(shape, mtu)
    elif shape.queue is not None:
        out["max_queue_size"] = shape.queue
    if shape.jitter:
        out["jitter"] = _time(shape.jitter)
    if shape.loss:
        out["loss"] = round(shape.loss * 100, 6)
    return out


def soft_queue(shape: Shape, mtu: int = 1500) -> int | None:
    """Return the queue length for a shaped port of a userspace Open vSwitch, in packets; None: no change.

    Such a switch sends through one socket for all ports, with memory for some 90 packets. A port with
    Mininet's queue of 1,000 takes all of it, and the other ports lose packets.
    """
    if shape.bandwidth is None or shape.needs_netem or shape.queue is not None:
        return None
    return waiting_packets(shape, mtu)


def _time(seconds: float) -> str:
    return f"{round(seconds * 1e6, 3):g}us"
