"""Build: a valid document becomes a `Topology`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from topologies.addressing import FlatAddressing
from topologies.errors import ParameterError, ParametersError
from topologies.families import Context, GeneratorParams, module_for
from topologies.overrides import apply_links, apply_nodes
from topologies.rng import Stream
from topologies.source import Loc
from topologies.spec.load import Document, load
from topologies.topology import Kind, Pools, Topology

MAX_NODES = 2**24 - 2
"""MAC addresses hold a node's index in 24 bits."""


def build(document: Document) -> Topology:
    """Return the topology that `document` describes.

    Raises InputError (with line and column) when the values can't be: too many nodes, a link to
    nowhere, a pool too small, …
    """
    try:
        return _build(document)
    except ParameterError as error:
        raise document.source.error(error) from error


def open_topology(path: Path | str) -> Topology:
    """Load and build the topology file at `path`."""
    return build(load(path))


def _build(document: Document) -> Topology:
    spec = document.spec

    def make(params: GeneratorParams, loc: Loc) -> Topology:
        estimate = params.node_estimate()
        if estimate > MAX_NODES:
            raise ParameterError(loc, f"would make {_count(estimate)} nodes; the most is {MAX_NODES:,}")
        stream = Stream(spec.seed, *map(str, loc))
        context = Context(stream, document.source.folder, make, loc, document.children)
        return module_for(params).generate(params, context)

    made = make(document.params, ("topology",))
    addressing = spec.addressing
    topology = replace(
        made,
        name=spec.name,
        seed=spec.seed,
        forwarding=spec.forwarding,
        static_arp=addressing.static_arp,
        pools=Pools(addressing.ipv4, addressing.ipv6, addressing.links, addressing.loopbacks),
        node_profiles=tuple(replace(p, fidelity=spec.fidelity) for p in made.node_profiles),
    )
    errors: list[ParameterError] = []
    try:
        topology = apply_nodes(topology, spec.nodes)
    except ParameterError as error:
        errors.append(error)
    try:
        topology = apply_links(topology, spec.links)
    except ParameterError as error:
        errors.append(error)
    if not is_routed(topology):
        try:
            FlatAddressing(topology)  # says what is wrong with the pools, before anything else is computed
        except ParameterError as error:
            errors.append(error)
    ParametersError.raise_any(errors)
    return topology


def _count(number: int) -> str:
    """Return a count as people read it: in full up to 10^18, above as a power of ten."""
    return f"{number:,}" if number < 10**18 else f"about 10^{int(number.bit_length() * 0.30103)}"


def is_routed(topology: Topology) -> bool:
    """Return whether any node forwards by address instead of by MAC."""
    return topology.forwarding == "routed" or bool(np.any(topology.kinds == Kind.ROUTER))
