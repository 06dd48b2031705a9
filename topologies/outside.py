"""Nodes with a way to the machine: `kind: nat` leads out of the network, `kind: outside` into it.

Both are hosts of the graph: they are addressed, placed and reached as such. Nodes of any kind can have
interfaces of the machine besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from topologies.elements import Kind

NAT, OUTSIDE = "nat", "outside"
OUTSIDE_KINDS = (NAT, OUTSIDE)
"""Kinds of nodes in files that are hosts of the graph, with a way to the machine."""
KIND_WORDS = (*(kind.word for kind in Kind), *OUTSIDE_KINDS)
"""Kinds of nodes as files write them."""


@dataclass(frozen=True, slots=True)
class MachineInterface:
    """An interface of the machine that a node has while the network is up, with its addresses there."""

    name: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outside:
    """The way of a node to the machine. `kind` is nat, outside, or empty for every other node.

    `uplink` is the network in CIDR form of the link between the node and the machine; empty chooses one.
    `interfaces` are those of the machine that the node has.
    """

    kind: str = ""
    uplink: str = ""
    interfaces: tuple[MachineInterface, ...] = ()


def outside_of(data: dict[str, Any]) -> Outside:
    """Return the way that plain data describes, as `dataclasses.asdict` gives it."""
    interfaces = (
        MachineInterface(one["name"], tuple(one["addresses"])) for one in data.get("interfaces", ())
    )
    return Outside(**data | {"interfaces": tuple(interfaces)})


def graph_kind(word: str) -> Kind:
    """Return the kind in the graph of a kind that a file writes; KeyError for another word."""
    return Kind.HOST if word in OUTSIDE_KINDS else Kind[word.upper()]


def kind_counts(
    kinds: npt.NDArray[np.uint8], node_profile: npt.NDArray[np.uint16], ways: Sequence[str]
) -> dict[str, int]:
    """Return the number of nodes of each kind of `KIND_WORDS` that occurs.

    `kinds` uint8[n] are those in the graph and `node_profile` uint16[n] the profiles; `ways` are the kinds of
    profiles in files where these are no kinds of the graph.
    """
    ours = np.array([len(Kind) + OUTSIDE_KINDS.index(way) if way else 0 for way in ways])[node_profile]
    counts = np.bincount(np.where(ours, ours, kinds), minlength=len(KIND_WORDS))
    return {word: count for word, count in zip(KIND_WORDS, counts.tolist(), strict=True) if count}
