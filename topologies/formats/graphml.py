"""Read GraphML: the Internet Topology Zoo's files as they are, yEd's, networkx's and our own.

Brandes, Eiglsperger, Lerner, Pich: Graph Markup Language, in Handbook of Graph Drawing, 2013. The
Zoo (Knight et al.: The Internet Topology Zoo, IEEE JSAC 29(9), 2011) numbers its nodes and keeps
what matters in keys: label, Latitude, Longitude, Internal, hyperedge on nodes; LinkSpeedRaw (bit/s)
on edges; several edges between two nodes are several links. Nested graphs are flattened.

A document type declaration is refused: GraphML needs none, and without one there are no entities
to expand, neither bombs nor files from elsewhere. That is one expat handler here; defusedxml does
the same for the parsers of the standard library and has had no release since 2021.
"""

from __future__ import annotations

from typing import Any, BinaryIO
from xml.parsers import expat

from topologies.formats.graph import FormatError, Graph

_MAX_DEPTH = 256
_MAX_TEXT = 1 << 20
_NO_ATTRIBUTES: dict[str, Any] = {}
_IDS = {"key": ("id",), "node": ("id",), "edge": ("source", "target")}
"""Element that owns data -> the XML attributes that identify it."""


def read(file: BinaryIO) -> Graph:
    """Return the graph in `file`; FormatError with the line when it isn't GraphML."""
    return _Reader().read(file)


def _convert(kind: str, text: str, line: int) -> Any:
    """Return the value of a `data` element by its key's attr.type."""
    text = text.strip()
    if kind in ("int", "long", "integer", "float", "double"):
        try:
            number = float(text)
        except ValueError:
            return text or None  # the Zoo has empty numbers, and numbers with words
        whole = kind in ("int", "long", "integer") and number.is_integer()
        return int(number) if whole else number
    if kind == "boolean":
        if text.lower() not in ("true", "false", "1", "0", ""):
            raise FormatError(f"`{text}` is not a boolean; write true or false", line)
        return text.lower() in ("true", "1")
    return text


class _Reader:
    """State of one pass of expat over a file: no tree is built."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.keys: dict[str, tuple[str, str, str]] = {}  # id -> (for, name, type)
        self.defaults: dict[str, dict[str, Any]] = {"node": {}, "edge": {}}
        self.depth = 0
        self.seen_root = False
        self.owner: list[tuple[str, dict[str, Any], tuple[str, ...], int]] = []
        self.key: str | None = None
        self.text: list[str] | None = None
        self.size = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters

    @property
    def line(self) -> int:
        return self.parser.CurrentLineNumber

    def read(self, file: BinaryIO) -> Graph:
        try:
            self.parser.ParseFile(file)
        except expat.ExpatError as error:
            raise FormatError(f"is not XML: {expat.ErrorString(error.code)}", error.lineno) from error
        except (LookupError, ValueError) as error:  # an encoding unknown to Python
            if isinstance(error, FormatError):
                raise
            raise FormatError(f"is not XML: {error}") from error
        return self.graph.checked()

    def doctype(self, *_: object) -> None:
        raise FormatError("has a DOCTYPE, which can hide entity bombs; remove that line", self.line)

    def start(self, tag: str, xml: dict[str, str]) -> None:
        """Open the element `tag`: "namespace name"."""
        name = tag.rpartition(" ")[2]
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise FormatError(f"is nested more than {_MAX_DEPTH} deep; flatten its groups", self.line)
        if not self.seen_root:
            if name != "graphml":
                raise FormatError(f"starts with <{name}>, not with <graphml>; is it GraphML?", self.line)
            self.seen_root = True
        elif name == "graph":
            self.graph.directed = xml.get("edgedefault", "undirected") == "directed"
        elif name == "hyperedge":
            raise FormatError("<hyperedge> joins more than two nodes; make it a switch of its own", self.line)
        elif name in _IDS:
            self.open_owner(name, xml)
        elif self.owner:
            self.open_value(name, xml)

    def open_owner(self, name: str, xml: dict[str, str]) -> None:
        """Open a `key`, `node` or `edge`, the owner of `data` and `default`."""
        ids = tuple(self.needed(xml, key, name) for key in _IDS[name])
        if name == "key":
            kind = xml.get("attr.type", "string")
            self.keys[ids[0]] = (xml.get("for", "all"), xml.get("attr.name", ""), kind)
        self.owner.append((name, {}, ids, self.line))

    def open_value(self, name: str, xml: dict[str, str]) -> None:
        """Open an element inside a node, an edge or a key."""
        kind, data, ids, _ = self.owner[-1]
        if name in ("data", "default"):
            self.key = xml.get("key", ids[0])
            self.text, self.size = [], 0
        elif name == "NodeLabel":
            self.text, self.size = [], 0
        elif name == "Geometry" and kind == "node":
            for axis, sign in (("x", 1), ("y", -1)):  # yEd's y grows downwards
                value = _convert("double", xml.get(axis, ""), self.line)
                if isinstance(value, float):
                    data.setdefault(axis, sign * value)

    def needed(self, xml: dict[str, str], key: str, element: str) -> str:
        if not xml.get(key):
            raise FormatError(f"<{element}> has no `{key}`; give it one", self.line)
        return xml[key]

    def characters(self, text: str) -> None:
        if self.text is None:
            return
        self.size += len(text)
        if self.size > _MAX_TEXT:
            raise FormatError(f"holds a value of more than {_MAX_TEXT:,} characters; remove it", self.line)
        self.text.append(text)

    def end(self, tag: str) -> None:
        name = tag.rpartition(" ")[2]
        self.depth -= 1
        if name in ("data", "default") and self.owner:
            self.take()
        elif name == "NodeLabel" and self.text is not None and self.owner:
            label = "".join(self.text).strip()
            if label:
                self.owner[-1][1].setdefault("label", " ".join(label.split()))
            self.text = None
        elif name == "key" and self.owner:
            self.owner.pop()
        elif name in ("node", "edge") and self.owner:
            self.finish()

    def take(self) -> None:
        """Close a `data` or `default`: keep its value under the key's name."""
        known = self.keys.get(self.key or "")
        text, self.text, self.key = self.text, None, None
        if text is None or known is None or not known[1]:
            return  # graphics and other programs' own elements
        kind, attributes, _, line = self.owner[-1]
        value = _convert(known[2], "".join(text), line)
        if kind != "key":
            attributes[known[1]] = value
            return
        for of in ("node", "edge"):
            if known[0] in (of, "all"):
                self.defaults[of][known[1]] = value

    def finish(self) -> None:
        """Close a node or an edge, whose data is complete."""
        kind, attributes, ids, line = self.owner.pop()
        if self.defaults[kind]:
            attributes = {**self.defaults[kind], **attributes}
        if kind == "node":
            self.graph.add_node(ids[0], attributes or _NO_ATTRIBUTES, line)
        else:
            self.graph.add_edge(ids[0], ids[1], attributes or _NO_ATTRIBUTES, line)
