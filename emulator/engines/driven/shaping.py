"""Shapes in the terms of Mininet's traffic control. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from emulator.linux.netlink.qdisc import queue_packets, waiting_packets
from topologies.profiles import Shape

Json = dict[str, Any]

MOST_BANDWIDTH = 1e9
"""mininet.link.TCIntf.bwParamMax, in bit/s: above it a TCIntf ignores the bandwidth."""
_UNKNOWN_KEYS = ("duplicate", "reorder", "corrupt")


def beyond_tc_intf(shapes: Iterable[Shape], title: str) -> list[str]:
    """Return why `title`, whose links are Mininet's TCIntf, can't apply `shapes`: one reason per key."""
    wanted = list(shapes)
    most = max((shape.bandwidth or 0 for shape in wanted), default=0)
    out = []
    if most > MOST_BANDWIDTH:
        out.append(f"bandwidth {most / 1e9:g} Gbit: {title} shapes up to 1 Gbit; leave it out, or use netns")
    return out + [
        f"{key}: {title}'s links know no {key}; use `engine: netns`"
        for key in _UNKNOWN_KEYS
        if any(getattr(shape, key) for shape in wanted)
    ]


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
