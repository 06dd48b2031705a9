"""Read networkx's node-link JSON of any version: edges are under `edges` or, before 3.4, `links`."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

from topologies.formats.graph import FormatError, Graph


def read(file: BinaryIO) -> Graph:
    """Return the graph in `file`; FormatError when it isn't node-link JSON."""
    try:
        data = json.load(file)
    except json.JSONDecodeError as error:
        raise FormatError(f"is not JSON: {error.msg}", error.lineno) from error
    except UnicodeDecodeError as error:
        raise FormatError("is not UTF-8 text; save it as UTF-8") from error
    except (RecursionError, ValueError) as error:  # nested too deep, or a number of thousands of digits
        raise FormatError("is not node-link JSON: nested too deep or a number too long") from error
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list):
        raise FormatError("is not node-link JSON: it needs a list `nodes` and a list `edges`")
    edges = data.get("edges", data.get("links"))
    if not isinstance(edges, list):
        raise FormatError("has no list `edges` (or `links`); write [] when there are none")
    graph = Graph(directed=data.get("directed") is True)
    for at, node in enumerate(data["nodes"]):
        item = _mapping(node, "nodes", at)
        graph.add_node(_name(item, "id", "nodes", at), item)
    for at, edge in enumerate(edges):
        item = _mapping(edge, "edges", at)
        graph.add_edge(_name(item, "source", "edges", at), _name(item, "target", "edges", at), item)
    return graph.checked()


def _mapping(value: Any, where: str, at: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FormatError(f"{where}[{at}] is not a mapping; write {{…}}")
    return value


def _name(item: dict[str, Any], key: str, where: str, at: int) -> str:
    """Return a node's id as text; lists (networkx's tuples, of grids for example) are joined by dashes."""
    value = item.get(key)
    if isinstance(value, list) and value and all(isinstance(v, str | int | float) for v in value):
        return "-".join(map(str, value))
    if value is None or isinstance(value, dict | list | bool) or value == "":
        raise FormatError(f"{where}[{at}] has no `{key}`; give it a name or a number")
    return str(value)
