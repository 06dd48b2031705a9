"""Explicit nodes and links of the file.

topology:
  nodes: {h1: {kind: host, ip: 10.0.0.1/24}, s1: {kind: switch}}
  links: [[h1, s1], [s1, s2, {bandwidth: 100 Mbit}]]

The models of both are in `topologies.spec.explicit`. Programs write files of 200,000 nodes, so the
arrays are filled directly, and defaults cost nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from pydantic import Field, ModelWrapValidatorHandler, model_validator

from topologies.errors import MAX_FOUND, Loc, ParameterError
from topologies.explicit_ports import check_addresses, explicit_interfaces, explicit_ports
from topologies.families import Context, GeneratorParams
from topologies.names import NameList, Names
from topologies.outside import OUTSIDE_KINDS, graph_kind
from topologies.profiles import LinkProfile, NodeProfile
from topologies.spec.explicit import LinkOptions, Links, NodeEntry, Nodes, explicit_problems
from topologies.spec.located_errors import checked
from topologies.spec.merge import merged_link, merged_node
from topologies.spec.routes import port_of
from topologies.topology import Explicit, Kind, Topology

Key = TypeVar("Key", bound=Hashable)

_IDENTITY = frozenset(("kind", "tier", "ip", "mac", "addresses", "dpid"))
"""Keys of a node outside its profile."""


class Params(GeneratorParams):
    """Keys of a topology of explicit nodes and links."""

    nodes: Nodes = Field(
        description="Name -> properties of every node", examples=["{h1: {}, s1: {kind: switch}}"]
    )
    links: Links = Field(
        [], description="[node, node] or [node, node, {properties}]", examples=["[[h1, s1]]"]
    )

    @model_validator(mode="wrap")
    @classmethod
    def _parts_agree(cls, data: Any, handler: ModelWrapValidatorHandler[Params]) -> Params:
        """Report links to unknown nodes and duplicates together with the errors of single entries."""
        return checked(data, handler, list(islice(explicit_problems(data), MAX_FOUND)))

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return len(self.nodes)


def generate(params: Params, context: Context) -> Topology:
    """Return the graph, nodes and links in file order."""
    index = {name: i for i, name in enumerate(params.nodes)}
    ends = np.array([(index[a], index[b]) for a, b, _ in params.links], dtype=np.int32).reshape(-1, 2)
    link_profiles, link_profile = _numbered(
        [LinkProfile()], [_link_profile(options) for _, _, options in params.links]
    )
    entries = [entry or NodeEntry() for entry in params.nodes.values()]
    kinds = np.array([graph_kind(entry.kind) for entry in entries], dtype=np.uint8)
    ports = explicit_ports(params.nodes, params.links, ends, kinds, context.loc)
    interfaces = explicit_interfaces(params.nodes, params.links, ends, ports, context.loc)
    check_addresses(params.nodes, ends, ports, context.loc)
    tier_names, tiers = _numbered([], [entry.tier or entry.kind for entry in entries])
    node_profiles, node_profile = _numbered([NodeProfile()], [_node_profile(entry) for entry in entries])
    _check_table((*context.loc, "nodes"), len(tier_names), 2**8, "tiers")
    _check_table((*context.loc, "nodes"), len(node_profiles), 2**16, "sets of node properties")
    _check_table((*context.loc, "links"), len(link_profiles), 2**16, "sets of link properties")
    return Topology(
        name="",
        names=Names((NameList(tuple(params.nodes)),)),
        kinds=kinds,
        tiers=tiers.astype(np.uint8),
        tier_names=tuple(tier_names),
        groups=np.full(len(entries), -1, dtype=np.int32),
        ends=ends,
        ports=ports,
        link_profile=link_profile.astype(np.uint16),
        link_profiles=tuple(link_profiles),
        node_profile=node_profile.astype(np.uint16),
        node_profiles=tuple(node_profiles),
        explicit={
            i: _explicit(entry, interfaces.get(i, ()))
            for i, entry in enumerate(entries)
            if entry.ip or entry.mac or entry.fidelity or entry.addresses or entry.dpid or i in interfaces
        },
    )


def _numbered(known: list[Key], values: list[Key]) -> tuple[list[Key], np.ndarray[Any, np.dtype[np.int64]]]:
    """Return the distinct values, `known` ones first, and the number of each value: int64[len(values)]."""
    table = {value: number for number, value in enumerate(known)}
    usual = known[0] if known else None  # most are the default itself, and comparing is slow
    numbers = [0 if value is usual else table.setdefault(value, len(table)) for value in values]
    return list(table), np.array(numbers, dtype=np.int64)


def _check_table(loc: Loc, size: int, most: int, what: str) -> None:
    if size > most:
        raise ParameterError(loc, f"has {size:,} different {what}; the maximum is {most:,}")


_PLAIN_LINK = LinkProfile()
_PLAIN_NODE = NodeProfile()


def _link_profile(options: LinkOptions) -> LinkProfile:
    return merged_link(options, _PLAIN_LINK, reverse=False) if options.model_fields_set else _PLAIN_LINK


def _node_profile(entry: NodeEntry) -> NodeProfile:
    plain = entry.model_fields_set <= _IDENTITY and entry.kind not in OUTSIDE_KINDS
    return _PLAIN_NODE if plain else merged_node(entry, None)


def _explicit(entry: NodeEntry, interfaces: Sequence[tuple[int, str]]) -> Explicit:
    """Return the explicit values of a node; its first port is 0 for a host, 1 otherwise."""
    port = 0 if graph_kind(entry.kind) == Kind.HOST else 1
    more = [(port_of(name), text) for name, texts in (entry.addresses or {}).items() for text in texts]
    own = ((port, entry.ip),) if entry.ip else ()
    macs = ((port, entry.mac),) if entry.mac else ()
    return Explicit((*own, *more), macs, entry.fidelity, tuple(interfaces), entry.dpid)
