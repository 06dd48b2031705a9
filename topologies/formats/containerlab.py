"""Read a containerlab file (containerlab.dev/manual/topo-def-file): nodes, links, and their addresses.

`kind: linux` is a host, `bridge` and `ovs-bridge` are switches, all other kinds (systems of routers) are
routers. Addresses are those of links, and those that `exec` gives with `ip addr add`. Nothing is started.
"""

from __future__ import annotations

from typing import Any, BinaryIO

from topologies.formats.graph import FormatError, Graph
from topologies.formats.ip_commands import DEFAULT, SetsAddress, SetsRoute, parsed
from topologies.formats.lab import End, Lab, mapping, read_yaml, sequence
from topologies.formats.left_out import LeftOut

_SWITCHES = {"bridge", "ovs-bridge"}
_OUTSIDE = {"host", "mgmt-net", "macvlan", "vxlan", "vxlan-stitch", "dummy"}
_TAKEN = {"kind", "exec", "cpu", "group"}
_TAKEN_OF_LINKS = {"endpoints", "mtu", "type", "ipv4", "ipv6"}
_HINTS = {
    "image": "nodes are namespaces of this machine: what runs in them is under `run:`",
    "exec": "write it under `run:`",
    "env": "write `environment:`",
    "cmd": "write it under `run:`",
    "memory": "write `memory:`",
}


def read(file: BinaryIO) -> Graph:
    """Return the graph in `file`; FormatError when it isn't containerlab's."""
    data = read_yaml(file)
    topology = mapping(data.get("topology"), "`topology`")
    lab = Lab(LeftOut(_HINTS))
    addresses: dict[tuple[str, str], list[str]] = {}
    for name, node in mapping(topology.get("nodes"), "`topology.nodes`").items():
        lab.nodes[name] = _node(
            name, _merged(topology, mapping(node, f"node `{name}`")), addresses, lab.left_out
        )
    for key in data:
        if key not in ("name", "topology", "prefix"):
            lab.left_out.add(f"`{key}`")
    for at, link in enumerate(sequence(topology.get("links"), "`topology.links`")):
        _link(mapping(link, f"links[{at}]"), at, addresses, lab)
    for (name, interface), texts in addresses.items():
        lab.left_out.add(f"address {texts[0]} of {interface}", name)
    return lab.finished()


def _merged(topology: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Return a node with what `defaults`, its group and its kind say, as containerlab merges them."""
    merged = mapping(topology.get("defaults"), "`defaults`")
    groups, kinds = (mapping(topology.get(key), f"`{key}`") for key in ("groups", "kinds"))
    group = mapping(groups.get(str(node.get("group", merged.get("group", "")))), "a group")
    kind = node.get("kind") or group.get("kind") or merged.get("kind")
    merged |= mapping(kinds.get(str(kind)), "a kind") | group | node
    if kind is None:
        raise FormatError("a node has no `kind`")
    return {**merged, "kind": kind}


def _node(
    name: str, node: dict[str, Any], addresses: dict[tuple[str, str], list[str]], left_out: LeftOut
) -> dict[str, Any]:
    """Return the attributes of a node; its addresses are added to those by (node, interface)."""
    kind = str(node["kind"])
    out: dict[str, Any] = {"kind": "host" if kind == "linux" else "switch" if kind in _SWITCHES else "router"}
    if node.get("cpu") is not None:
        out["cpu"] = node["cpu"]
    for key, value in node.items():
        if key not in _TAKEN and value not in (None, [], {}):
            left_out.add(f"`{key}`", name)
    routes = []
    for command in sequence(node.get("exec"), f"`exec` of {name}"):
        match parsed(str(command)):
            case SetsAddress(address, interface):
                addresses.setdefault((name, interface), []).append(address)
            case SetsRoute(destination, gateway) if destination == DEFAULT:
                out["gateway"] = gateway
            case SetsRoute(destination, gateway):
                routes.append(f"{destination}={gateway}")
            case _:
                left_out.add("`exec`", name)
    return out | ({"routes": " ".join(routes)} if routes else {})


def _link(link: dict[str, Any], at: int, addresses: dict[tuple[str, str], list[str]], lab: Lab) -> None:
    given = (
        [link["endpoint"]]
        if "endpoint" in link
        else sequence(link.get("endpoints"), f"`endpoints` of links[{at}]")
    )
    ends = [_end(end, at) for end in given]
    words = "-".join(end.node for end in ends)
    outside = next((end.node for end in ends if end.node in _OUTSIDE and end.node not in lab.nodes), None)
    kind = str(link.get("type") or outside or "veth")
    if kind != "veth" or outside:
        lab.left_out.add(f"link of type {kind}", f"{words} (links[{at}])")
        return
    if len(ends) != 2:
        raise FormatError(f"links[{at}] has {len(ends)} endpoints; a link has two")
    for key in link:
        if key not in _TAKEN_OF_LINKS:
            lab.left_out.add(f"`{key}`", words)
    for number, end in enumerate(ends):
        stated = [sequence(link.get(key), f"`{key}` of links[{at}]") for key in ("ipv4", "ipv6")]
        own = [str(texts[number]) for texts in stated if len(texts) > number and texts[number]]
        end.addresses = (*end.addresses, *own, *addresses.pop((end.node, end.interface), []))
    lab.link(ends[0], ends[1], {"mtu": link["mtu"]} if link.get("mtu") else {})


def _end(value: Any, at: int) -> End:
    """Return the end of a link: `node:interface`, or a mapping."""
    if isinstance(value, dict) and value.get("node"):
        own = [str(value[key]) for key in ("ipv4", "ipv6") if value.get(key)]
        return End(
            str(value["node"]), str(value.get("interface") or ""), str(value.get("mac") or ""), tuple(own)
        )
    node, colon, interface = str(value).partition(":")
    if not isinstance(value, str) or not colon or not node or not interface:
        raise FormatError(f"links[{at}] has an endpoint that is not `node:interface`")
    return End(node, interface)
