"""Legend of the colours of a picture: an entry for each tier of each layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from topologies.outside_nodes import kind_word
from topologies.pictures.style import HOST, ROUTER, TIERS
from topologies.topology import I64, Kind, Topology


@dataclass
class Entry:
    """Tier: its name, colour, kind, and number of nodes."""

    word: str
    colour: str
    kind: Kind
    count: int = 0


def tier_word(topology: Topology, node: int) -> str:
    """Return the name of a node's row: its tier, or its kind."""
    return topology.tier_names[int(topology.tiers[node])] or kind_word(topology, node)


def legend(topology: Topology, layer: I64) -> tuple[list[Entry], I64]:
    """Return (the entries from the top down, the number of each node's entry: int64[n])."""
    used = np.unique(layer[np.asarray(topology.kinds == Kind.SWITCH)]).tolist()
    ramp = {row: TIERS[min(at, len(TIERS) - 1)] for at, row in enumerate(used)}
    if len(used) == 1:
        ramp = {used[0]: TIERS[1]}
    mark = (layer * 256 + topology.tiers) * 4 + topology.kinds
    _, first, number, counts = np.unique(mark, return_index=True, return_inverse=True, return_counts=True)
    entries: dict[tuple[str, str], Entry] = {}
    of = np.empty(len(first), dtype=np.int64)
    for at, (node, count) in enumerate(zip(first.tolist(), counts.tolist(), strict=True)):
        kind = Kind(topology.kinds[node])
        colour = {Kind.HOST: HOST, Kind.ROUTER: ROUTER}.get(kind) or ramp[int(layer[node])]
        key = tier_word(topology, node), colour
        entry = entries.setdefault(key, Entry(*key, kind))
        entry.count += count
        of[at] = list(entries).index(key)
    out = list(entries.values())
    words = [entry.word for entry in out]
    for at, entry in enumerate(out):
        if words.count(words[at]) > 1:
            entry.word = f"{words[at]}, row {at + 1}"
    return out, of[number.ravel()]
