"""Result of every importer: nodes and edges with their attributes, in file order.

Attributes are plain values under the file's names; `assemble` gives them a meaning.
Sizes are bounded here, once for all formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MAX_BYTES = 1 << 30
"""Largest file: a million nodes in GraphML take about 300 MB."""
MAX_NODES = 2_000_000
MAX_EDGES = 8_000_000

Attributes = Mapping[str, Any]


class FormatError(ValueError):
    """Malformed file, at `line` (0 when unknown); the message says how to fix it."""

    def __init__(self, message: str, line: int = 0) -> None:
        self.line = line
        super().__init__(message)


class Edge(NamedTuple):
    """Edge between two node ids, at `line` of the file, 0 when unknown."""

    source: str
    target: str
    attributes: Attributes
    line: int = 0


@dataclass
class Graph:
    """Graph of a file.

    In a `directed` graph, an edge a-b and an edge b-a are the two directions of one link. `notes` are lines
    on what the file says and the graph leaves out.
    """

    directed: bool = False
    nodes: dict[str, Attributes] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def add_node(self, key: str, attributes: Attributes, line: int = 0) -> None:
        """Add a node; FormatError for a duplicate id or too many nodes."""
        if key in self.nodes:
            raise FormatError(f"the node id `{key}` is already used; give each node its own", line)
        if len(self.nodes) >= MAX_NODES:
            raise FormatError(f"has more than {MAX_NODES:,} nodes; use a generator, or split it", line)
        self.nodes[key] = attributes
        if line:
            self.lines[key] = line

    def add_edge(self, source: str, target: str, attributes: Attributes, line: int = 0) -> None:
        """Add an edge; its ends may be added later. FormatError for too many edges."""
        if len(self.edges) >= MAX_EDGES:
            raise FormatError(f"has more than {MAX_EDGES:,} edges; use a generator, or split it", line)
        self.edges.append(Edge(source, target, attributes, line))

    def notes_of(self, file: str) -> tuple[str, ...]:
        """Return the notes, each with the name of the file."""
        return tuple(f"{file}: {note}" for note in self.notes)

    def checked(self) -> Graph:
        """Return this graph; FormatError when it is empty or an edge has an unknown end."""
        if not self.nodes:
            raise FormatError("has no nodes; give at least one")
        for edge in self.edges:
            for end in (edge.source, edge.target):
                if end not in self.nodes:
                    raise FormatError(f"an edge ends at `{end}`, and there is no such node", edge.line)
        return self
