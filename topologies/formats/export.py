"""Write a topology for other programs: `export(topology, "graphml")`, or in pieces with `chunks`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import cast

from topologies.errors import ParameterError
from topologies.spelling import nearest
from topologies.topology import Topology

FORMATS: dict[str, str] = {
    "graphml": "write_graphml",
    "json": "write_json",
    "dot": "write_dot",
    "mininet": "write_mininet",
}
"""Format -> module of this package with `chunks(topology) -> Iterator[str]`."""

SUFFIXES: dict[str, str] = {
    ".graphml": "graphml",
    ".json": "json",
    ".dot": "dot",
    ".gv": "dot",
    ".py": "mininet",
}
"""File suffix -> format."""


def chunks(topology: Topology, to: str) -> Iterator[str]:
    """Yield the text of `topology` in format `to`, piece by piece: a million nodes need no memory twice.

    ParameterError when there is no such format.
    """
    if to not in FORMATS:
        raise ParameterError(("to",), f"`{to}` is not known; {nearest(to, FORMATS)}")
    write = import_module(f"topologies.formats.{FORMATS[to]}").chunks
    return cast("Callable[[Topology], Iterator[str]]", write)(topology)


def export(topology: Topology, to: str) -> str:
    """Return the text of `topology` in format `to`; ParameterError when there is no such format."""
    return "".join(chunks(topology, to))
