"""Read GML by networkx (Himsolt: GML, a portable graph file format, 1997).

Nodes are known by their `id`; `label` is the name. Attributes mean what they mean in GraphML.
"""

from __future__ import annotations

from typing import Any, BinaryIO

from topologies.formats.graph import FormatError, Graph


def read(file: BinaryIO) -> Graph:
    """Return the graph in `file`; FormatError when it isn't GML."""
    import networkx as nx  # whoever reads other files doesn't load it

    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError("is not UTF-8 text; save it as UTF-8") from error
    try:
        parse: Any = nx.parse_gml  # its types don't know label=None
        found = parse(text, label=None)
    except (nx.NetworkXError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise FormatError(
            f"is not GML that networkx reads: {str(error)[:200] or type(error).__name__}"
        ) from error
    graph = Graph(directed=found.is_directed())
    for node, attributes in found.nodes(data=True):
        graph.add_node(str(node), _node(attributes))
    for source, target, attributes in found.edges(data=True):
        graph.add_edge(str(source), str(target), _plain(attributes))
    return graph.checked()


def _node(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a node; yEd has its place in `graphics`."""
    graphics = attributes.get("graphics")
    place = graphics if isinstance(graphics, dict) and {"x", "y"} <= set(graphics) else {}
    return {**_plain({key: place[key] for key in ("x", "y") if place}), **_plain(attributes)}


def _plain(attributes: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in attributes.items() if isinstance(value, str | int | float)}
