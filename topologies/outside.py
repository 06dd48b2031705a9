"""What of a node is outside the network: the way out of a `kind: nat`, the machine itself, its interfaces.

A node of `kind: nat` or `kind: outside` is a host of the graph: it is addressed, placed and reached as one.
"""

from __future__ import annotations

from dataclasses import dataclass

from topologies.elements import Kind

NAT, OUTSIDE = "nat", "outside"
OUTSIDE_KINDS = (NAT, OUTSIDE)
"""Kinds of nodes in files that are hosts of the graph, with a way to the machine."""
KIND_WORDS = (*(kind.word for kind in Kind), *OUTSIDE_KINDS)
"""Kinds of nodes as files write them."""


@dataclass(frozen=True, slots=True)
class MachineInterface:
    """An interface of the machine that a node has while the network is up; `force` takes any.

    `ip` are its addresses in the node in CIDR form; as a switch's port it has none.
    """

    name: str
    ip: tuple[str, ...] = ()
    force: bool = False


@dataclass(frozen=True, slots=True)
class Outside:
    """The way of a node to the machine. `kind` is nat, outside, or empty for every other node.

    `uplink` is the network in CIDR form of the link between a nat node and the machine; empty chooses one.
    """

    kind: str = ""
    uplink: str = ""
    interfaces: tuple[MachineInterface, ...] = ()


def graph_kind(word: str) -> Kind:
    """Return the kind in the graph of a kind that a file writes; KeyError for another word."""
    return Kind.HOST if word in OUTSIDE_KINDS else Kind[word.upper()]
