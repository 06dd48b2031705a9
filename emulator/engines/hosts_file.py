"""The /etc/hosts for commands inside nodes: `ping h2` works without DNS."""

from __future__ import annotations

import numpy as np

from emulator.plan import Plan
from emulator.plan_part import PlanPart

_HEAD = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"


_MOST_LIGHT = 200_000
"""Most light nodes in the file. Resolvers read all of it each time: 23 MB for a million take 0.1 s."""


_FEW, _SHARES = 4096, 8
"""A share's file has all nodes of the network, up to this many and this many times those of the share."""


def hosts_of(plan: Plan) -> str:
    """Return the file's text for this machine's nodes: with all names, if that costs what a share may cost.

    The share of a larger network has the names on this machine only.
    """
    most = _FEW + _SHARES * len(plan.here.nodes)
    return hosts_text(plan.whole if plan.topology.node_count <= most else plan.here)


def hosts_text(part: PlanPart) -> str:
    """Return the file's text for the nodes of `part`: one line per address, in node order.

    Light nodes are left out when there are very many.
    """
    light = int(np.count_nonzero(part.topology.light[part.nodes]))
    if light > _MOST_LIGHT:
        full = np.flatnonzero(~part.topology.light[part.nodes])
        part = part.only(part.nodes[full], part.links[:0])
    names, addresses = part.names, part.addresses
    lines = [
        f"{text} {names[position]}\n"
        for text, position in zip(addresses.texts(), addresses.position.tolist(), strict=True)
    ]
    return _HEAD + "".join(lines)
