"""Read a networkx graph: undirected or directed, with parallel edges or without.

Attributes mean what they mean in node-link JSON. Those that `Topology.to_networkx` writes are read back: the
order of an edge's ends, its ports and its whole profile. A `delay` or `bandwidth` that was changed there
since wins, in both directions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from topologies.formats.attributes import link_attributes
from topologies.formats.graph import FormatError, Graph
from topologies.profiles import LinkProfile, link_weights

if TYPE_CHECKING:
    import networkx as nx

_OF_THE_PROFILE = ("delay", "bandwidth")
_NOT_READ = ("ends", "ports", "profile")


def read(graph: nx.Graph[Any]) -> Graph:
    """Return the graph; FormatError when it has no nodes, or two of them get the same name."""
    out = Graph(directed=graph.is_directed())
    names: dict[Any, str] = {}
    for node, attributes in graph.nodes(data=True):
        names[node] = _name(node)
        out.add_node(names[node], _node(attributes))
    for source, target, attributes in _edges(graph):
        first, second = names[source], names[target]
        if attributes.get("ends") == (second, first):
            first, second = second, first
        out.add_edge(first, second, _edge(attributes))
    return out.checked()


def _edges(graph: nx.Graph[Any]) -> list[tuple[Any, Any, dict[str, Any]]]:
    """Return the edges; those of `Topology.to_networkx` in its order, which networkx doesn't keep."""
    edges: Any = graph.edges
    if not graph.is_multigraph():
        return list(edges(data=True))
    keyed = list(edges(keys=True, data=True))
    if all("ends" in edge[3] for edge in keyed) and len({edge[2] for edge in keyed}) == len(keyed):
        keyed.sort(key=lambda edge: edge[2])
    return [(source, target, attributes) for source, target, _, attributes in keyed]


def _name(node: Any) -> str:
    """Return the name of a node: tuples (of grids, for example) are joined by dashes."""
    if isinstance(node, tuple) and node:
        return "-".join(map(str, node))
    if isinstance(node, bool) or not isinstance(node, str | int | float) or node == "":
        raise FormatError(f"has a node {node!r}; nodes are texts, numbers, or tuples of them")
    return str(node)


def _node(attributes: dict[str, Any]) -> dict[str, Any]:
    out = {key: value for key, value in attributes.items() if key != "pos"}
    if "pos" in attributes:
        out["x"], out["y"] = attributes["pos"]
    return out


def _edge(attributes: dict[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in attributes.items() if key not in _NOT_READ}
    if "ports" in attributes:
        given["source_port"], given["target_port"] = attributes["ports"]
    profile = attributes.get("profile")
    if not isinstance(profile, LinkProfile):
        return given
    was = link_weights(profile)
    unchanged = [key for key in _OF_THE_PROFILE if given.get(key) == was.get(key)]
    own = link_attributes(profile)
    for key in _OF_THE_PROFILE:
        if key in unchanged:
            given.pop(key, None)
        else:
            own = {
                name: value
                for name, value in own.items()
                if name not in (key, f"forward_{key}", f"backward_{key}")
            }
    return {**own, **given}
