"""Apply a file's `nodes:` and `links:` rules to a topology, in order; later rules win."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from topologies.errors import MAX_FOUND, ParameterError, ParametersError
from topologies.profiles import LinkProfile, NodeProfile
from topologies.spec.merge import merged_link, merged_node, undelayed
from topologies.spec.rules import LinkRule, NodeMatch, NodeRule, PlacementRule
from topologies.suggestions import nearest
from topologies.topology import I64, Explicit, Kind, Topology

Mask = npt.NDArray[np.bool_]


def select(topology: Topology, term: str) -> Mask:
    """Return the mask (bool[n]) of the nodes that `term` names: a kind, a tier, or a glob over names."""
    mask = np.zeros(topology.node_count, dtype=bool)
    if term.upper() in Kind.__members__:
        mask |= topology.kinds == Kind[term.upper()]
    if term in topology.tier_names:
        mask |= topology.tiers == topology.tier_names.index(term)
    if not mask.any():
        mask[topology.names.match(term)] = True
    return mask


def _terms(topology: Topology) -> list[str]:
    return [*(k.word for k in Kind), *(t for t in topology.tier_names if t.upper() not in Kind.__members__)]


def apply_nodes(topology: Topology, rules: Sequence[NodeRule]) -> Topology:
    """Return `topology` with the node rules applied; ParameterError for a rule that matches nothing."""
    if not rules:
        return topology
    errors: list[ParameterError] = []
    kinds, numbers = topology.kinds.copy(), topology.node_profile.copy()
    profiles: dict[NodeProfile, int] = {p: i for i, p in reversed(list(enumerate(topology.node_profiles)))}
    table = list(topology.node_profiles)
    for at, rule in enumerate(rules):
        if len(errors) >= MAX_FOUND:
            break
        mask = node_mask(topology, rule.match)
        if not mask.any():
            errors.append(ParameterError(("nodes", at, "match"), _no_node(topology, rule.match)))
            continue
        if rule.kind:
            kinds[mask] = Kind[rule.kind.upper()]
        after = np.arange(len(table), dtype=np.uint16)
        for number in np.unique(numbers[mask]).tolist():
            merged = merged_node(rule, table[number])
            if merged not in profiles:
                profiles[merged] = len(table)
                table.append(merged)
            after[number] = profiles[merged]
        numbers[mask] = after[numbers[mask]]
    ParametersError.raise_any(errors)
    topology = replace(topology, node_profile=numbers, node_profiles=tuple(table))
    return _of_kinds(topology, kinds)


def _of_kinds(topology: Topology, kinds: npt.NDArray[np.uint8]) -> Topology:
    """Return `topology` with new kinds. Ports keep their numbers where the new kind allows them.

    A host's lowest port is 0, where its address is; a switch has no port 0 in OpenFlow; a router may have it.
    """
    lowest = np.full(topology.node_count, np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(lowest, topology.ends.ravel(), topology.ports.ravel())
    without = lowest == np.iinfo(np.int32).max
    lowest[without] = topology.kinds[without] != Kind.HOST
    shift = np.zeros(topology.node_count, dtype=np.int32)
    changed = topology.kinds != kinds
    shift[changed & (kinds == Kind.HOST)] = -lowest[changed & (kinds == Kind.HOST)]
    shift[changed & (kinds == Kind.SWITCH) & (lowest == 0)] = 1
    if not shift.any():
        return replace(topology, kinds=kinds)
    explicit = {node: _moved(values, int(shift[node])) for node, values in topology.explicit.items()}
    return replace(topology, kinds=kinds, ports=topology.ports + shift[topology.ends], explicit=explicit)


def _moved(explicit: Explicit, shift: int) -> Explicit:
    """Return `explicit` for ports that are `shift` higher."""
    return explicit._replace(
        addresses=tuple((port + shift, text) for port, text in explicit.addresses),
        macs=tuple((port + shift, text) for port, text in explicit.macs),
        interfaces=tuple((port + shift, text) for port, text in explicit.interfaces),
    )


def node_mask(topology: Topology, match: NodeMatch) -> Mask:
    """Return the mask (bool[n]) of the nodes that `match` selects."""
    mask = np.ones(topology.node_count, dtype=bool)
    if match.kind:
        mask &= topology.kinds == Kind[match.kind.upper()]
    if match.tier is not None:
        known = match.tier in topology.tier_names
        mask &= topology.tiers == topology.tier_names.index(match.tier) if known else False
    if match.name is not None:
        named = np.zeros(topology.node_count, dtype=bool)
        named[topology.names.match(match.name)] = True
        mask &= named
    return mask


def _no_node(topology: Topology, match: NodeMatch) -> str:
    if match.tier is not None and match.tier not in topology.tier_names:
        return f"there is no tier `{match.tier}`; {nearest(match.tier, topology.tier_names)}"
    first, last = topology.names[0], topology.names[topology.node_count - 1]
    return f"no node matches; names go from {first} to {last}"


def pinned_nodes(topology: Topology, rules: Sequence[PlacementRule]) -> list[tuple[I64, str]]:
    """Return the nodes (int64[k]) of each rule and the worker that it names.

    ParameterError for a rule that matches nothing.
    """
    errors: list[ParameterError] = []
    out = []
    for at, rule in enumerate(rules):
        found = np.flatnonzero(node_mask(topology, rule.match))
        if not len(found):
            errors.append(ParameterError(("placement", at, "match"), _no_node(topology, rule.match)))
        out.append((found, rule.worker))
    ParametersError.raise_any(errors)
    return out


def apply_links(topology: Topology, rules: Sequence[LinkRule]) -> Topology:
    """Return `topology` with the link rules applied.

    Raises ParameterError for a rule that matches nothing, or that sets jitter without a delay.
    """
    if not rules:
        return topology
    errors: list[ParameterError] = []
    numbers = topology.link_profile.copy()
    table: dict[LinkProfile, int] = {}
    remap = [table.setdefault(p, len(table)) for p in topology.link_profiles]
    numbers = np.asarray(remap, dtype=np.uint16)[numbers]
    for at, rule in enumerate(rules):
        if len(errors) >= MAX_FOUND:
            break
        try:
            along, against = link_masks(topology, rule, at)
        except ParameterError as error:
            errors.append(error)
            continue
        known = list(table)
        for mask, reverse in ((along, False), (against & ~along, True)):
            after = np.arange(len(known), dtype=np.uint16)
            for number in np.unique(numbers[mask]).tolist():
                merged = merged_link(rule, known[number], reverse=reverse)
                for loc, words in undelayed(rule, merged, reverse=reverse):
                    errors.append(ParameterError(("links", at, *loc), words))
                after[number] = table.setdefault(merged, len(table))
            numbers[mask] = after[numbers[mask]]
    ParametersError.raise_any(errors)
    return replace(topology, link_profile=numbers, link_profiles=tuple(table))


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
