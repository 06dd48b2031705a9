"""Links of an imported graph: their edges, profiles and ports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from topologies.builder import number_ports
from topologies.formats.attributes import profile_of
from topologies.formats.geography import geographic_delays
from topologies.formats.graph import Edge, FormatError, Graph
from topologies.formats.import_options import MAX_PROFILES, Numbering, Options
from topologies.profiles import LinkProfile
from topologies.quantities import RATE, TIME
from topologies.topology import F64, I32, Kind

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]


def paired_edges(graph: Graph, index: Mapping[str, int], options: Options) -> list[tuple[Edge, Edge | None]]:
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


def link_profiles(
    edges: list[tuple[Edge, Edge | None]], ends: I32, places: F64 | None, options: Options
) -> tuple[tuple[LinkProfile, ...], U16]:
    """Return the distinct profiles, and the number of each link's profile: uint16[m]."""
    delays = geographic_delays(ends, places) if options.delay_from == "coordinates" else None
    table = Numbering("link profiles", MAX_PROFILES, {LinkProfile(): 0})
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


def _profile(edge: Edge, options: Options, known: dict[Any, LinkProfile]) -> LinkProfile:
    """Return the profile of one edge; equal attributes are validated once."""
    attributes = dict(edge.attributes)
    if options.bandwidth_from:
        rate = attributes.pop(options.bandwidth_from, None)
        if _is_known(rate):
            attributes["bandwidth"] = _quantity(RATE.parse, rate, options.bandwidth_from, edge.line)
    if options.delay_from not in (None, "coordinates"):
        delay = attributes.pop(str(options.delay_from), None)
        if _is_known(delay):
            attributes["delay"] = _quantity(TIME.parse, delay, str(options.delay_from), edge.line)
    for key in ("source_port", "target_port"):
        attributes.pop(key, None)
    mark = tuple(sorted((key, repr(value)) for key, value in attributes.items()))
    if mark not in known:
        known[mark] = profile_of(attributes, edge.line)
    return known[mark]


def _is_known(value: Any) -> bool:
    """Return whether a speed or delay is known: the Zoo leaves some empty, and 0 is unknown."""
    return value is not None and str(value).strip() not in {"", "0", "0.0"}


def _quantity(parse: Any, value: Any, key: str, line: int) -> float:
    try:
        return float(parse(value))
    except ValueError as error:
        raise FormatError(f"{key}: {error}", line) from error


def port_numbers(stated: I32, ends: I32, kinds: U8, names: list[str]) -> I32:
    """Return the port numbers (int32[m, 2]): the `stated` ones, and the lowest free ones where that is -1.

    A host's lowest port becomes 0, where its address is.
    """
    if not (stated >= 0).any():
        return number_ports(ends, kinds)
    ports, flat = stated.ravel().copy(), ends.ravel()
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
