"""Apply a file's `nodes:` and `links:` rules to a topology, in order; later rules win."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from topologies.errors import MAX_FOUND, ParameterError, ParametersError
from topologies.matching import link_masks, no_node_words, node_mask
from topologies.outside import graph_kind
from topologies.profiles import LinkProfile, NodeProfile
from topologies.spec.merge import merged_link, merged_node, undelayed
from topologies.spec.rules import LinkRule, NodeRule, PlacementRule
from topologies.topology import I64, Explicit, Kind, Topology


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
            errors.append(ParameterError(("nodes", at, "match"), no_node_words(topology, rule.match)))
            continue
        if rule.kind:
            kinds[mask] = graph_kind(rule.kind)
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


def pinned_nodes(topology: Topology, rules: Sequence[PlacementRule]) -> list[tuple[I64, str]]:
    """Return the nodes (int64[k]) of each rule and the worker that it names.

    ParameterError for a rule that matches nothing.
    """
    errors: list[ParameterError] = []
    out = []
    for at, rule in enumerate(rules):
        found = np.flatnonzero(node_mask(topology, rule.match))
        if not len(found):
            errors.append(ParameterError(("placement", at, "match"), no_node_words(topology, rule.match)))
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
