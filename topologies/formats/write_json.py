"""Write networkx's node-link JSON, one node or edge per line; `node_link` reads it back.

`networkx.node_link_graph(data, edges="edges")` makes a MultiGraph of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from topologies.formats.rows import joined, links, nodes, profiles
from topologies.topology import Topology


def _items(lines: Iterable[str]) -> Iterator[str]:
    """Yield `lines` with commas between them."""
    yield from joined(("    " if at == 0 else ",\n    ") + line for at, line in enumerate(lines))


def chunks(topology: Topology) -> Iterator[str]:
    """Yield the document; values in bit/s, seconds, bytes and shares of one."""
    yield '{\n  "directed": false,\n  "multigraph": true,\n'
    yield f'  "graph": {{"name": {json.dumps(topology.name)}}},\n  "nodes": [\n'
    yield from _items(json.dumps({"id": name, **attributes}) for name, attributes in nodes(topology))
    yield '\n  ],\n  "edges": [\n'
    names = [json.dumps(name) for name in topology.names]
    data = [json.dumps(profile)[1:-1] for profile in profiles(topology)]
    tails = [f", {text}}}" if text else "}" for text in data]
    yield from _items(
        f'{{"source": {names[a]}, "target": {names[b]}, "key": {at}, "source_port": {p}, "target_port": {q}'
        + tails[number]
        for at, (a, b, p, q, number) in enumerate(links(topology))
    )
    yield "\n  ]\n}\n"
