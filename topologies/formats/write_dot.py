"""Write Graphviz DOT: `dot -Tsvg`, or `sfdp -Tsvg` for graphs without tiers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from topologies.formats.rows import joined, links
from topologies.quantities import RATE, TIME
from topologies.topology import Kind, Topology

_SHAPES = {Kind.HOST: "ellipse", Kind.SWITCH: "box", Kind.ROUTER: "hexagon"}


def quoted(text: str) -> str:
    """Return `text` as a DOT string: in double quotes, it can hold no escapes and no HTML."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "") + '"'


def chunks(topology: Topology) -> Iterator[str]:
    """Yield the graph: shapes show the kind of nodes, labels the bandwidth and delay of edges."""
    yield f"graph {quoted(topology.name or 'topology')} {{\n"
    yield "  graph [overlap=false, splines=true];\n  node [fontname=sans];\n"
    names = [quoted(name) for name in topology.names]
    for kind in Kind:
        found = np.flatnonzero(topology.kinds == kind).tolist()
        if found:
            yield f"  node [shape={_SHAPES[kind]}];\n"
            yield from joined(f"  {names[node]};\n" for node in found)
    labels = [_label(topology, number) for number in range(len(topology.link_profiles))]
    yield from joined(
        f"  {names[a]} -- {names[b]}{labels[number]};\n" for a, b, _, _, number in links(topology)
    )
    yield "}\n"


def _label(topology: Topology, number: int) -> str:
    shape = topology.link_profiles[number].forward
    words = [RATE.text(shape.bandwidth)] if shape.bandwidth is not None else []
    words += [TIME.text(shape.delay)] if shape.delay is not None else []
    return f" [label={quoted(' '.join(words))}]" if words else ""
