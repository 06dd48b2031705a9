"""An imported `Graph` and the file's options become a `Topology`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from topologies.builder import number_ports
from topologies.counting import counted
from topologies.formats.attributes import NodeMeaning, node_of, ports_of, profile_of
from topologies.formats.geography import fibre_delays, fill_places
from topologies.formats.graph import Attributes, Edge, FormatError, Graph
from topologies.formats.naming import host_prefix, unique_names
from topologies.names import Block, NameBlock, NameList, Names
from topologies.profiles import LinkProfile, NodeProfile
from topologies.topology import F64, I32, Kind, Topology
from topologies.units import RATE, TIME

MAX_PROFILES = 2**16
"""Different link or node profiles; their numbers are uint16."""
MAX_TIERS = 2**8
MAX_HOSTS = 2**24 - 2
"""MAC addresses hold a node's index in 24 bits."""


@dataclass(frozen=True)
class Options:
    """What the topology file asks for besides the graph itself.

    `delay_from` is "coordinates" or the name of an edge attribute, `bandwidth_from` the name of one.
    """

    hosts_per_node: int = 0
    delay_from: str | None = None
    bandwidth_from: str | None = None
    drop_external: bool = False
    drop_self_loops: bool = False


@dataclass
class _Table:
    """Numbers equal values alike."""

    what: str
    most: int
    rows: dict[Any, int] = field(default_factory=dict)

    def number(self, value: Hashable, line: int = 0) -> int:
        number = self.rows.setdefault(value, len(self.rows))
        if number >= self.most:
            raise FormatError(f"has more than {self.most:,} different {self.what}; use fewer", line)
        return number


def assemble(graph: Graph, options: Options) -> Topology:
    """Return the topology of `graph`; FormatError when its values can't be."""
    meanings = {key: node_of(attributes, graph.lines.get(key, 0)) for key, attributes in graph.nodes.items()}
    if options.drop_external:
        meanings = {key: meaning for key, meaning in meanings.items() if meaning.internal}
        if not meanings:
            raise FormatError("has external nodes only; write `external: keep`")
    index = {key: at for at, key in enumerate(meanings)}
    edges = _links(graph, index, options)
    names = unique_names((str(graph.nodes[key].get("label") or key), key) for key in meanings)
    ends = np.array([(index[e.source], index[e.target]) for e, _ in edges], dtype=np.int32).reshape(-1, 2)
    places = coordinates([graph.nodes[key] for key in meanings])
    profiles, link_profile = _link_profiles(edges, ends, places, options)
    nodes = list(meanings.values())
    kinds = np.array([node.kind for node in nodes], dtype=np.uint8)
    given_ports = np.array([ports_of(e.attributes, e.line) for e, _ in edges], dtype=np.int32).reshape(-1, 2)
    tiers = _Table("tiers", MAX_TIERS)
    node_profiles = _Table("node profiles", MAX_PROFILES, {NodeProfile(): 0})
    topology = Topology(
        name="",
        names=Names((NameList(tuple(names)),)),
        kinds=kinds,
        tiers=np.array([tiers.number(node.tier) for node in nodes], dtype=np.uint8),
        tier_names=tuple(tiers.rows),
        groups=np.array([node.group for node in nodes], dtype=np.int32),
        ends=ends,
        ports=_ports(given_ports, ends, kinds, names),
        link_profile=link_profile,
        link_profiles=profiles,
        node_profile=np.array([node_profiles.number(node.profile) for node in nodes], dtype=np.uint16),
        node_profiles=tuple(node_profiles.rows),
        given={at: node.given for at, node in enumerate(nodes) if node.given},
        positions=None if places is None else fill_places(places, ends),
    )
    return _with_hosts(topology, nodes, options.hosts_per_node) if options.hosts_per_node else topology


def _links(graph: Graph, index: Mapping[str, int], options: Options) -> list[tuple[Edge, Edge | None]]:
    """Return (edge, its other direction or None) for each link, in file order."""
    out: list[tuple[Edge, Edge | None]] = []
    waiting: dict[tuple[str, str], list[int]] = {}
    for edge in graph.edges:
        if edge.source not in index or edge.target not in index:
            continue  # an external node that was dropped
        if edge.source == edge.target:
            if options.drop_self_loops:
                continue
            words = f"`{edge.source}` is linked to itself; remove the edge, or write `self_loops: drop`"
            raise FormatError(words, edge.line)
        if graph.directed:
            twins = waiting.get((edge.target, edge.source))
            if twins:
                at = twins.pop(0)
                out[at] = (out[at][0], edge)
                continue
            waiting.setdefault((edge.source, edge.target), []).append(len(out))
        out.append((edge, None))
    return out


def coordinates(nodes: list[Attributes]) -> F64 | None:
    """Return (x, y) or (longitude, latitude) of each node, NaN where it has none; None when none has."""
    for keys in (("Longitude", "Latitude"), ("longitude", "latitude"), ("lon", "lat"), ("x", "y")):
        if not any(keys[0] in node and keys[1] in node for node in nodes):
            continue
        places = np.array([[_number(node.get(key)) for key in keys] for node in nodes])
        places[~np.isfinite(places).all(axis=1)] = np.nan
        return None if np.isnan(places).all() else places
    return None


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _link_profiles(
    edges: list[tuple[Edge, Edge | None]], ends: I32, places: F64 | None, options: Options
) -> tuple[tuple[LinkProfile, ...], np.ndarray[tuple[int], np.dtype[np.uint16]]]:
    delays = _delays(ends, places) if options.delay_from == "coordinates" else None
    table = _Table("link profiles", MAX_PROFILES, {LinkProfile(): 0})
    known: dict[Any, LinkProfile] = {}
    numbers = np.empty(len(edges), dtype=np.uint16)
    for at, (edge, twin) in enumerate(edges):
        profile = _profile(edge, options, known)
        if twin is not None:
            profile = replace(profile, backward=_profile(twin, options, known).forward)
        if delays is not None and delays[at] > 0:
            delay = round(float(delays[at]), 9)
            profile = replace(
                profile,
                forward=replace(profile.forward, delay=delay),
                backward=replace(profile.backward, delay=delay),
            )
        numbers[at] = table.number(profile, edge.line)
    return tuple(table.rows), numbers


def _delays(ends: I32, places: F64 | None) -> F64:
    """Return the delay of each link; FormatError when the coordinates are not of the Earth."""
    if places is None:
        raise FormatError("has no coordinates; remove `delay_from`, or give nodes Latitude and Longitude")
    seen = places[~np.isnan(places).any(axis=1)]
    if (np.abs(seen) > (360, 90)).any():
        words = "has coordinates that are no longitudes and latitudes in degrees; remove `delay_from`"
        raise FormatError(words)
    return fibre_delays(places, ends)


def _profile(edge: Edge, options: Options, known: dict[Any, LinkProfile]) -> LinkProfile:
    """Return the profile of one edge; equal attributes are validated once."""
    attributes = dict(edge.attributes)
    if options.bandwidth_from:
        rate = attributes.pop(options.bandwidth_from, None)
        if _given(rate):
            attributes["bandwidth"] = _quantity(RATE.parse, rate, options.bandwidth_from, edge.line)
    if options.delay_from not in (None, "coordinates"):
        delay = attributes.pop(str(options.delay_from), None)
        if _given(delay):
            attributes["delay"] = _quantity(TIME.parse, delay, str(options.delay_from), edge.line)
    for key in ("source_port", "target_port"):
        attributes.pop(key, None)
    mark = tuple(sorted((key, repr(value)) for key, value in attributes.items()))
    if mark not in known:
        known[mark] = profile_of(attributes, edge.line)
    return known[mark]


def _given(value: Any) -> bool:
    """Tell whether a speed or delay is there: the Zoo leaves some empty, and 0 is unknown."""
    return value is not None and str(value).strip() not in {"", "0", "0.0"}


def _quantity(parse: Any, value: Any, key: str, line: int) -> float:
    try:
        return float(parse(value))
    except ValueError as error:
        raise FormatError(f"{key}: {error}", line) from error


def _ports(given: I32, ends: I32, kinds: np.ndarray[tuple[int], np.dtype[np.uint8]], names: list[str]) -> I32:
    """Return the port numbers: those given, and the lowest free ones for the other ends.

    A host's lowest port becomes 0, where its address is.
    """
    if not (given >= 0).any():
        return number_ports(ends, kinds)
    ports, flat = given.ravel().copy(), ends.ravel()
    used: dict[int, set[int]] = {}
    for node, port in zip(flat.tolist(), ports.tolist(), strict=True):
        if port < 0:
            continue
        mine = used.setdefault(node, set())
        if port in mine:
            raise FormatError(f"port {port} of `{names[node]}` is used by two links; give each its own")
        mine.add(port)
    following: dict[int, int] = {}
    for at in np.flatnonzero(ports < 0).tolist():
        node = int(flat[at])
        port = following.get(node, 0 if kinds[node] == Kind.HOST else 1)
        while port in used.get(node, ()):
            port += 1
        ports[at], following[node] = port, port + 1
    lowest = np.full(len(kinds), np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(lowest, flat, ports)
    moved = (kinds[flat] == Kind.HOST) & (ports == lowest[flat])
    ports[moved] = 0
    return ports.reshape(-1, 2)


def _with_hosts(topology: Topology, nodes: list[NodeMeaning], count: int) -> Topology:
    """Return `topology` with `count` hosts on each switch and router; none on hyperedges."""
    bearers = np.array(
        [at for at, node in enumerate(nodes) if node.kind != Kind.HOST and not node.shared], dtype=np.int32
    )
    total = len(bearers) * count
    first = topology.node_count
    if first + total > MAX_HOSTS:
        raise FormatError(
            f"would get {counted(total, 'host')}; the most nodes is {MAX_HOSTS:,}, lower `hosts_per_node`"
        )
    blocks: tuple[Block, ...] = (*topology.names.blocks, NameBlock((host_prefix(topology.names),), (total,)))
    near = np.repeat(bearers, count)
    ends = np.stack([np.arange(first, first + total, dtype=np.int32), near], axis=1)
    highest = np.zeros(first, dtype=np.int32)
    np.maximum.at(highest, topology.ends.ravel(), topology.ports.ravel())
    ports = np.stack(
        [np.zeros(total, dtype=np.int32), highest[near] + np.tile(np.arange(1, count + 1), len(bearers))],
        axis=1,
    )
    tier_names = topology.tier_names if "host" in topology.tier_names else (*topology.tier_names, "host")
    places = topology.positions
    return replace(
        topology,
        names=Names(blocks),
        kinds=_longer(topology.kinds, total, Kind.HOST),
        tiers=_longer(topology.tiers, total, tier_names.index("host")),
        tier_names=tier_names,
        groups=np.concatenate([topology.groups, topology.groups[near]]),
        ends=np.concatenate([topology.ends, ends]),
        ports=np.concatenate([topology.ports, ports.astype(np.int32)]),
        link_profile=_longer(topology.link_profile, total, 0),
        node_profile=_longer(topology.node_profile, total, 0),
        positions=None if places is None else np.concatenate([places, places[near]]),
    )


def _longer(array: np.ndarray[Any, np.dtype[Any]], count: int, value: int) -> np.ndarray[Any, np.dtype[Any]]:
    return np.concatenate([array, np.full(count, value, dtype=array.dtype)])
