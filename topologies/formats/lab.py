"""Graph of a lab (containerlab, netlab): nodes, and links with addresses at their ends."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from topologies.errors import InputError
from topologies.formats.graph import FormatError, Graph
from topologies.formats.left_out import LeftOut, without_computed_routes
from topologies.source.file import parse

_INTERFACE = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}", re.ASCII)


def read_yaml(file: BinaryIO) -> dict[str, Any]:
    """Return the mapping in a YAML file; FormatError for anything else."""
    try:
        data = parse(file.read(), "").data
    except InputError as error:
        problem = error.problems[0]
        raise FormatError(problem.message, problem.line) from error
    if not isinstance(data, dict):
        raise FormatError("is not a mapping of keys to values; is it the right file?")
    return data


def mapping(value: Any, where: str) -> dict[str, Any]:
    """Return a mapping, {} for nothing; FormatError for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise FormatError(f"{where} is not a mapping of keys to values")
    return {str(key): item for key, item in value.items()}


def sequence(value: Any, where: str) -> list[Any]:
    """Return a list, [] for nothing; FormatError for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise FormatError(f"{where} is not a list")
    return value


@dataclass
class End:
    """End of a link: the node, and the name, MAC and addresses of its interface."""

    node: str
    interface: str = ""
    mac: str = ""
    addresses: tuple[str, ...] = ()


@dataclass
class Lab:
    """Graph that grows node by node and link by link; ports count in the order of the links."""

    left_out: LeftOut
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    graph: Graph = field(default_factory=Graph)
    ends: dict[str, list[End]] = field(default_factory=dict)

    def link(self, first: End, second: End, attributes: dict[str, Any]) -> None:
        """Add a link; FormatError when it ends at no node."""
        ports = {}
        for key, end in (("source_port", first), ("target_port", second)):
            if end.node not in self.nodes:
                raise FormatError(f"a link ends at `{end.node}`, and there is no such node")
            mine = self.ends.setdefault(end.node, [])
            mine.append(end)
            ports[key] = len(mine) - (self.nodes[end.node]["kind"] == "host")
        self.graph.add_edge(first.node, second.node, {**attributes, **ports})

    def finished(self) -> Graph:
        """Return the graph, with the addresses and interface names that the ends of links have."""
        for name, attributes in self.nodes.items():
            first = 0 if attributes["kind"] == "host" else 1
            ends = list(enumerate(self.ends.get(name, []), first))
            words: dict[str, Iterable[str]] = {}
            if attributes["kind"] != "switch":
                words["ip"] = [f"{text}@{port}" for port, end in ends for text in end.addresses]
                words["interfaces"] = [f"{end.interface}@{port}" for port, end in ends if self._fits(end)]
                words["mac"] = [f"{end.mac}@{port}" for port, end in ends if end.mac]
            joined = {key: " ".join(several) for key, several in words.items()}
            self.graph.add_node(name, {**attributes, **{key: text for key, text in joined.items() if text}})
        self.graph.nodes = without_computed_routes(self.graph.nodes, self.left_out)
        self.graph.notes = self.left_out.notes()
        return self.graph.checked()

    def _fits(self, end: End) -> bool:
        """Return whether a node here can have an interface of this name; note it if not."""
        if end.interface and not _INTERFACE.fullmatch(end.interface):
            self.left_out.add(f"interface name {end.interface}", end.node)
            return False
        return bool(end.interface)
