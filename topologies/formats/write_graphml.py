"""Write GraphML for networkx, Gephi, yEd and our own reader `graphml`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from topologies.formats.attributes import SHAPE_KEYS
from topologies.formats.node_words import route_attributes
from topologies.formats.openflow import OPENFLOW_KEYS, openflow_attributes
from topologies.formats.rows import joined, links, nodes, profiles
from topologies.formats.way_attributes import way_attributes
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
_RARE_KEYS = (
    "device", "gateway", "routes", "sysctl", "interfaces", "dpid", "uplink", "machine_interfaces",
    *OPENFLOW_KEYS,
)  # fmt: skip
"""Keys of nodes that are declared where a node has them."""
_EDGE_KEYS = (
    "source_port", "target_port", "mtu",
    *(prefix + key for prefix in ("", "forward_", "backward_") for key in SHAPE_KEYS),
)  # fmt: skip


def _rare_keys(topology: Topology) -> set[str]:
    """Return those of `_RARE_KEYS` that a node may have."""
    found = set[str]()
    for profile in topology.node_profiles:
        found.update(openflow_attributes(profile.openflow), route_attributes(profile.setup))
        found.update(way_attributes(profile.outside), ["device"] if profile.device else [])
    for own in topology.explicit.values():
        found.update(["interfaces"] if own.interfaces else [], [] if own.dpid is None else ["dpid"])
    return found


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
    rare = _rare_keys(topology)
    unused = set() if topology.vpcs is not None else {"vpc"}
    unused.update(key for key in _RARE_KEYS if key not in rare)
    node_keys = [key for key in (*_NODE_KEYS, *_RARE_KEYS) if key not in unused]
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
