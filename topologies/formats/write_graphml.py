"""Write GraphML for networkx, Gephi, yEd and our own reader `graphml`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from topologies.formats.attributes import SHAPE_KEYS
from topologies.formats.openflow import OPENFLOW_KEYS, openflow_attributes
from topologies.formats.rows import joined, links, nodes, profiles
from topologies.topology import Topology

_TYPES = {
    "group": "int", "relay": "boolean", "cpu": "double", "memory": "long", "x": "double", "y": "double",
    "mtu": "int", "source_port": "int", "target_port": "int",
}  # fmt: skip
_NODE_KEYS = (
    "kind",
    "tier",
    "group",
    "cpu",
    "memory",
    "fidelity",
    "vpc",
    "relay",
    "switch",
    "ip",
    "mac",
    "x",
    "y",
)
_EDGE_KEYS = (
    "source_port", "target_port", "mtu",
    *(prefix + key for prefix in ("", "forward_", "backward_") for key in SHAPE_KEYS),
)  # fmt: skip


def _type(key: str) -> str:
    if key.endswith("queue"):
        return "int"
    shaped = key in _EDGE_KEYS
    return _TYPES.get(key, "double" if shaped else "string")


def _data(attributes: dict[str, Any]) -> str:
    out = []
    for key, value in attributes.items():
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        out.append(f'<data key="{key}">{escape(text)}</data>')
    return "".join(out)


def chunks(topology: Topology) -> Iterator[str]:
    """Yield the document; node ids are names, values in bit/s, seconds, bytes and shares of one."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
    used = {"source_port", "target_port"}.union(*profiles(topology))
    spoken = set[str]().union(*(openflow_attributes(profile.openflow) for profile in topology.node_profiles))
    unused = set() if topology.vpcs is not None else {"vpc"}
    node_keys = [
        key for key in (*_NODE_KEYS, *(key for key in OPENFLOW_KEYS if key in spoken)) if key not in unused
    ]
    for of, keys in (("node", node_keys), ("edge", [key for key in _EDGE_KEYS if key in used])):
        for key in keys:
            yield f'  <key id="{key}" for="{of}" attr.name="{key}" attr.type="{_type(key)}"/>\n'
    yield f'  <graph id={quoteattr(topology.name or "topology")} edgedefault="undirected">\n'
    yield from joined(
        f"    <node id={quoteattr(name)}>{_data(attributes)}</node>\n" for name, attributes in nodes(topology)
    )
    names = [quoteattr(name) for name in topology.names]
    data = [_data(profile) for profile in profiles(topology)]
    yield from joined(
        f"    <edge source={names[a]} target={names[b]}>"
        f'<data key="source_port">{p}</data><data key="target_port">{q}</data>{data[number]}</edge>\n'
        for a, b, p, q, number in links(topology)
    )
    yield "  </graph>\n</graphml>\n"
