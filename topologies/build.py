"""Build: a valid document becomes a `Topology`."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from topologies.addressing import FlatAddressing, RoutedAddressing
from topologies.errors import Loc, ParameterError, ParametersError
from topologies.families import Context, GeneratorParams, module_for
from topologies.given_macs import taken_macs
from topologies.light_devices import check_devices
from topologies.light_nodes import light_last
from topologies.link_mtu import too_small
from topologies.link_shapes import shaped_ports
from topologies.members import with_members
from topologies.node_keys import check_node_keys
from topologies.node_places import NodePlaces
from topologies.openflow import OpenFlow
from topologies.overrides import apply_links, apply_nodes, pinned_nodes
from topologies.profiles import NodeProfile
from topologies.rng import Stream
from topologies.segments import is_routed
from topologies.spec.load import Document, load
from topologies.spec.model import Spec
from topologies.tenancy import with_vpcs
from topologies.topology import Kind, Pools, Topology

MAX_NODES = 2**24 - 2
"""MAC addresses hold a node's index in 24 bits."""

MAX_LINKS = 2**25
"""Building takes about 100 bytes a link: 3 GiB."""

MAX_PORTS = 2**16 - 2
"""MAC addresses hold a port number in 16 bits; the last one is a switch's own (see `identifiers`)."""


def build(document: Document) -> Topology:
    """Return the topology that `document` describes.

    Raises InputError (with line and column) for values that can't be built: too many nodes, a link to
    an unknown node, a pool that is too small.
    """
    try:
        return _build(document)
    except ParameterError as error:
        raise document.error(error) from error


def open_topology(path: Path | str) -> Topology:
    """Load and build the topology file at `path`."""
    return build(load(path))


def generated(document: Document) -> Topology:
    """Return the topology as its way makes it, before the rest of the file applies; ParameterError."""
    spec = document.spec

    def make(params: GeneratorParams, loc: Loc) -> Topology:
        _check_size(document, params, loc)
        stream = Stream(spec.seed, *map(str, loc))
        context = Context(stream, document.source.folder, make, loc, document.children)
        return module_for(params).generate(params, context)

    made = make(document.params, ("topology",))
    _check_made(made)
    return made


def _build(document: Document) -> Topology:
    spec, made = document.spec, generated(document)
    addressing = spec.addressing
    topology = replace(
        made,
        name=spec.name,
        seed=spec.seed,
        forwarding=spec.forwarding,
        static_arp=addressing.static_arp,
        pools=Pools(addressing.ipv4, addressing.ipv6, addressing.links, addressing.loopbacks),
    )
    topology = _with_switches(_with_fidelity(topology, spec.fidelity), spec)
    errors: list[ParameterError] = []
    collect = ParametersError.collect
    with collect(errors):
        topology = apply_nodes(topology, spec.nodes)
    with collect(errors):
        topology = apply_links(topology, spec.links)
    with collect(errors):
        pinned_nodes(topology, spec.placement)
    places, parts = NodePlaces(spec), {("topology",): document.params, **document.children}
    if not errors:
        errors += shaped_ports(topology, spec.links, parts)
    with collect(errors):
        topology = light_last(topology, places)
    with collect(errors):
        check_devices(topology, places)
    with collect(errors):
        check_node_keys(topology, places, document.source.has)
    with collect(errors):
        topology = with_vpcs(topology, spec, places)
    if not errors:
        with collect(errors):
            topology = with_members(topology, places)
    with collect(errors):  # errors in the address pools, before anything else is computed
        if not topology.light.any() or not errors:
            (RoutedAddressing if is_routed(topology) else FlatAddressing)(topology.underlay)
    if not errors:
        errors += too_small(topology, spec.links, parts) + taken_macs(topology)
    ParametersError.raise_any(errors)
    return topology


def _check_size(document: Document, params: GeneratorParams, loc: Loc) -> None:
    """Raise ParameterError when `params`, with all topologies composed below `loc`, are too large."""
    below = (child for path, child in document.children.items() if path != loc and path[: len(loc)] == loc)
    parts = [params, *below]
    for what, total, most in (
        ("nodes", sum(part.node_estimate() for part in parts), MAX_NODES),
        ("links", sum(part.link_estimate() for part in parts), MAX_LINKS),
    ):
        if total > most:
            words = f"would make {_count(total)} {what}; the maximum is {most:,}: give smaller numbers"
            raise ParameterError(loc, words)


def _check_made(topology: Topology) -> None:
    """Raise ParameterError when an imported graph has too many nodes, or a node too many ports."""
    if topology.node_count > MAX_NODES:
        raise ParameterError(
            ("topology",),
            f"makes {topology.node_count:,} nodes; the maximum is {MAX_NODES:,}: use a part of it",
        )
    busiest = int(np.argmax(topology.degrees)) if topology.node_count else 0
    if topology.link_count and topology.degrees[busiest] > MAX_PORTS:
        raise ParameterError(
            ("topology",),
            f"`{topology.names[busiest]}` would have {topology.degrees[busiest]:,} ports; "
            f"the maximum is {MAX_PORTS:,}: make less of it, or put several nodes in its place",
        )


def _with_fidelity(topology: Topology, fidelity: str) -> Topology:
    """Return `topology` with the file's fidelity for all nodes that don't state their own.

    `light` is for hosts: what lies between them is full.
    """
    if fidelity == "light":
        return _with_light_hosts(topology)
    topology = replace(
        topology,
        node_profiles=tuple(
            p if p.fidelity == "light" else replace(p, fidelity=fidelity) for p in topology.node_profiles
        ),
    )
    own = {node: values.fidelity for node, values in topology.explicit.items() if values.fidelity}
    if not own:
        return topology
    table = {profile: number for number, profile in reversed(list(enumerate(topology.node_profiles)))}
    numbers = topology.node_profile.copy()
    profiles = list(topology.node_profiles)
    for node, word in own.items():
        profile = replace(profiles[numbers[node]], fidelity=word)
        if profile not in table:
            table[profile] = len(profiles)
            profiles.append(profile)
        numbers[node] = table[profile]
    return replace(topology, node_profile=numbers, node_profiles=tuple(profiles))


def _with_light_hosts(topology: Topology) -> Topology:
    """Return `topology` with all hosts light that don't state their own fidelity."""
    count = len(topology.node_profiles)
    light = tuple(replace(profile, fidelity="light") for profile in topology.node_profiles)
    own = [node for node, values in topology.explicit.items() if values.fidelity]
    turns = topology.kinds == Kind.HOST
    if topology.light.any():  # compute hosts of a family that has light ones of its own
        turns[:] = False
    turns[own] = False
    numbers = np.where(turns, topology.node_profile + count, topology.node_profile).astype(np.uint16)
    return replace(topology, node_profile=numbers, node_profiles=(*topology.node_profiles, *light))


def _with_switches(topology: Topology, spec: Spec) -> Topology:
    """Return `topology` with the file's `switch` and `openflow` where a node doesn't state its own."""
    openflow = OpenFlow(**spec.openflow.set_keys())
    default = NodeProfile()
    usual = {f.name: getattr(default.openflow, f.name) for f in fields(OpenFlow)}

    def _own(stated: OpenFlow) -> dict[str, Any]:
        return {key: value for key, old in usual.items() if (value := getattr(stated, key)) != old}

    profiles = tuple(
        replace(
            profile,
            switch=spec.switch if profile.switch == default.switch else profile.switch,
            openflow=replace(openflow, **_own(profile.openflow)),
        )
        for profile in topology.node_profiles
    )
    return replace(topology, node_profiles=profiles)


def _count(number: int) -> str:
    """Return a count as text: in full up to 10^18, above as a power of ten."""
    return f"{number:,}" if number < 10**18 else f"about 10^{int(number.bit_length() * 0.30103)}"
