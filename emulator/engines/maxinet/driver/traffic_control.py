"""Shapes of interfaces by `tc`, as Mininet's TCIntf sets them: htb for the rate, netem for the rest. Pure."""

from __future__ import annotations

import re
from typing import Any

Shape = dict[str, Any]
_RATE = re.compile(r"^class htb 5:1\b.* rate (\d+(?:\.\d+)?)([KMGT]?)bit\b", re.MULTILINE)
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_TOLERANCE = 0.01
"""Share by which a rate may differ: tc prints some four digits."""


def lines(name: str, shape: Shape) -> list[str]:
    """Return lines for `tc -force -batch`: the old queues go, those of `shape` come."""
    out = [f"qdisc replace dev {name} root pfifo", f"qdisc del dev {name} root"]
    parent = "root"
    if shape.get("bw"):
        out.append(f"qdisc add dev {name} root handle 5: htb default 1")
        out.append(
            f"class add dev {name} parent 5: classid 5:1 htb rate {round(shape['bw'] * 1e6)}bit burst 15k"
        )
        parent = "parent 5:1"
    netem = [f"{key} {value}" for key, value in _netem(shape)]
    if netem:
        out.append(f"qdisc add dev {name} {parent} handle 10: netem {' '.join(netem)}")
    return out


def difference(shape: Shape, said: str) -> str:
    """Return how queues differ from those of `shape`: words, empty if they don't.

    `said` is the output of `tc qdisc show` and `tc class show` of one interface.
    """
    if missing := [kind for kind in sorted(expected(shape)) if f"qdisc {kind} " not in said]:
        return f"has no {', '.join(missing)}"
    if not shape.get("bw"):
        return ""
    wanted, found = shape["bw"] * 1e6, _RATE.search(said)
    if found is None:
        return f"has no rate instead of {wanted / 1e6:g} Mbit/s"
    rate = float(found[1]) * _UNITS[found[2]]
    if abs(rate - wanted) <= wanted * _TOLERANCE:
        return ""
    return f"has {rate / 1e6:g} instead of {wanted / 1e6:g} Mbit/s"


def expected(shape: Shape) -> set[str]:
    """Return the kinds of queues that an interface with `shape` has."""
    return ({"htb"} if shape.get("bw") else set()) | ({"netem"} if _netem(shape) else set())


def _netem(shape: Shape) -> list[tuple[str, str]]:
    out = []
    if shape.get("delay"):
        out.append(("delay", f"{shape['delay']} {shape.get('jitter') or ''}".strip()))
    if shape.get("loss"):
        out.append(("loss", f"{shape['loss']:.5f}%"))
    if shape.get("max_queue_size"):
        out.append(("limit", str(shape["max_queue_size"])))
    return out
