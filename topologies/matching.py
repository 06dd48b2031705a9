"""The nodes and links of a graph that a file's `match` selects, as masks.

Running networks import what uses these, too: pydantic, a tenth of a second, is left to those who read files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from topologies.errors import ParameterError
from topologies.outside import KIND_WORDS
from topologies.outside_nodes import kind_mask
from topologies.suggestions import nearest
from topologies.topology import Topology

if TYPE_CHECKING:
    from topologies.spec.rules import LinkRule, NodeMatch

Mask = npt.NDArray[np.bool_]


def select(topology: Topology, term: str) -> Mask:
    """Return the mask (bool[n]) of the nodes that `term` names: a kind, a tier, or a glob over names."""
    mask = np.zeros(topology.node_count, dtype=bool)
    if term in KIND_WORDS:
        mask |= kind_mask(topology, term)
    if term in topology.tier_names:
        mask |= topology.tiers == topology.tier_names.index(term)
    if not mask.any():
        mask[topology.names.match(term)] = True
    return mask


def _terms(topology: Topology) -> list[str]:
    return [*KIND_WORDS, *(t for t in topology.tier_names if t not in KIND_WORDS)]


def node_mask(topology: Topology, match: NodeMatch) -> Mask:
    """Return the mask (bool[n]) of the nodes that `match` selects."""
    mask = np.ones(topology.node_count, dtype=bool)
    if match.kind:
        mask &= kind_mask(topology, match.kind)
    if match.tier is not None:
        known = match.tier in topology.tier_names
        mask &= topology.tiers == topology.tier_names.index(match.tier) if known else False
    if match.name is not None:
        named = np.zeros(topology.node_count, dtype=bool)
        named[topology.names.match(match.name)] = True
        mask &= named
    return mask


def no_node_words(topology: Topology, match: NodeMatch) -> str:
    """Return why `match` selects no node."""
    if match.tier is not None and match.tier not in topology.tier_names:
        return f"there is no tier `{match.tier}`; {nearest(match.tier, topology.tier_names)}"
    first, last = topology.names[0], topology.names[topology.node_count - 1]
    return f"no node matches; names go from {first} to {last}"


def link_masks(topology: Topology, rule: LinkRule, at: int) -> tuple[Mask, Mask]:
    """Return the links in the order of the rule's two ends, and those in reverse order: bool[m] each."""
    if rule.match.between is None:
        every = np.ones(topology.link_count, dtype=bool)
        return every, ~every
    sides = [select(topology, term) for term in rule.match.between]
    for side, term in zip(sides, rule.match.between, strict=True):
        if not side.any():
            raise ParameterError(
                ("links", at, "match", "between"),
                f"`{term}` is not a kind, tier or node name; {nearest(term, _terms(topology))}",
            )
    a, b = topology.ends[:, 0], topology.ends[:, 1]
    along, against = sides[0][a] & sides[1][b], sides[1][a] & sides[0][b]
    if not (along | against).any():
        first, second = rule.match.between
        raise ParameterError(("links", at, "match", "between"), f"no link joins `{first}` and `{second}`")
    return along, against
