"""Read a netlab file (netlab.tools): nodes, links, and the addresses that it states.

A node is a router unless its `role` is host or its device is linux; a bridge is a switch. A link of three
nodes or more is a switch with a link to each. Addresses that netlab would draw from its own pools are
computed by this program instead.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from topologies.formats.graph import FormatError, Graph
from topologies.formats.lab import End, Lab, mapping, read_yaml, sequence
from topologies.formats.left_out import LeftOut

_TAKEN = {"name", "nodes", "links", "defaults", "groups"}
_TAKEN_OF_NODES = {"role", "device", "id", "name", "box"}
_TAKEN_OF_LINKS = {"interfaces", "prefix", "bandwidth", "mtu", "type", "name", "linkname", "bridge"}
_TAKEN_OF_ENDS = {"node", "ipv4", "ipv6", "ifname", "mac"}
_VERSIONS = ("ipv4", "ipv6")
_HINTS = {"module": "routes are computed: see `forwarding`", "provider": "it is `engine:` here"}


def read(file: BinaryIO) -> Graph:
    """Return the graph in `file`; FormatError when it isn't netlab's."""
    data = read_yaml(file)
    lab = Lab(LeftOut(_HINTS))
    for key in data:
        if key not in _TAKEN:
            lab.left_out.add(f"`{key}`")
    nodes = data.get("nodes")
    named = {str(name): {} for name in nodes} if isinstance(nodes, list) else mapping(nodes, "`nodes`")
    usual = mapping(data.get("defaults"), "`defaults`").get("device")
    groups = mapping(data.get("groups"), "`groups`")
    for name, value in named.items():
        lab.nodes[name] = _node(name, mapping(value, f"node `{name}`"), usual, groups, lab.left_out)
    for at, link in enumerate(sequence(data.get("links"), "`links`")):
        _link(link, at, lab)
    return lab.finished()


def _node(
    name: str, node: dict[str, Any], usual: Any, groups: dict[str, Any], left_out: LeftOut
) -> dict[str, Any]:
    inherited: dict[str, Any] = {}
    for group in groups.values():
        said = mapping(group, "a group")
        if name in map(str, sequence(said.get("members"), "`members`")):
            inherited |= {key: value for key, value in said.items() if key != "members"}
    node = inherited | node
    for key in node:
        if key not in _TAKEN_OF_NODES:
            left_out.add(f"`{key}`", name)
    role, device = str(node.get("role") or ""), str(node.get("device") or usual or "")
    if role == "bridge":
        return {"kind": "switch"}
    return {"kind": "host" if role == "host" or (device == "linux" and role != "router") else "router"}


def _link(link: Any, at: int, lab: Lab) -> None:
    ends, options = _ends(link, at, lab)
    words = "-".join(end.node for end in ends)
    attributes: dict[str, Any] = {"mtu": options["mtu"]} if options.get("mtu") else {}
    if options.get("bandwidth"):
        attributes["bandwidth"] = _bits(options["bandwidth"], at)
    for key in options:
        if key not in _TAKEN_OF_LINKS:
            lab.left_out.add(f"`{key}`", words)
    _addressed(ends, options.get("prefix"), at, lab)
    if len(ends) == 1:
        lab.left_out.add("stub link", words)
    elif len(ends) == 2:
        lab.link(ends[0], ends[1], attributes)
    else:
        switch = str(options.get("bridge") or f"lan{at + 1}")
        if switch in lab.nodes:
            raise FormatError(
                f"the LAN of links[{at}] would be `{switch}`, the name of a node; give it a `bridge`"
            )
        lab.nodes[switch] = {"kind": "switch"}
        for end in ends:
            lab.link(end, End(switch), attributes)


def _bits(value: Any, at: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise FormatError(f"`bandwidth` of links[{at}] is not a number of kbit/s")
    return value * 1000


@dataclass
class _Interface(End):
    """End of a link; `places` are host numbers in the prefix of the link, by ipv4 and ipv6."""

    places: dict[str, int] = field(default_factory=dict)


def _ends(link: Any, at: int, lab: Lab) -> tuple[list[_Interface], dict[str, Any]]:
    """Return the ends of a link and its other keys: `r1-r2`, [r1, r2], or a mapping."""
    if isinstance(link, str):
        link = link.split("-")
    if isinstance(link, list):
        return [_end(item, None, at, lab) for item in link], {}
    options = mapping(link, f"links[{at}]")
    ends = [_end(item, None, at, lab) for item in sequence(options.pop("interfaces", None), "`interfaces`")]
    ends += [_end(name, options.pop(name), at, lab) for name in list(options) if name in lab.nodes]
    if not ends:
        raise FormatError(f"links[{at}] names no node of `nodes`")
    return ends, options


def _end(item: Any, value: Any, at: int, lab: Lab) -> _Interface:
    keys = dict(item) if isinstance(item, dict) else mapping(value, f"`{item}` of links[{at}]")
    name = str(keys.get("node", "") if isinstance(item, dict) else item)
    end = _Interface(name, str(keys.get("ifname") or ""), str(keys.get("mac") or ""))
    for key, text in keys.items():
        if key not in _TAKEN_OF_ENDS:
            lab.left_out.add(f"`{key}`", name)
        elif key in _VERSIONS and "/" in str(text):
            end.addresses += (str(text),)
        elif key in _VERSIONS and str(text).isdigit():
            end.places[key] = int(text)
        elif key in _VERSIONS and text:
            lab.left_out.add(f"`{key}: {text}`", name)
    return end


def _addressed(ends: list[_Interface], prefix: Any, at: int, lab: Lab) -> None:
    """Give the ends addresses in a stated prefix: by host number, place in a pair, or the node's id."""
    stated = prefix if isinstance(prefix, dict) else {"ipv4": prefix} if isinstance(prefix, str) else {}
    if prefix and not stated:
        lab.left_out.add("`prefix`", f"links[{at}]")
    ids = {name: number for number, name in enumerate(lab.nodes, 1)}
    networks = {}
    for key, text in stated.items():
        try:
            networks[str(key)] = ipaddress.ip_network(str(text), strict=False)
        except ValueError:
            raise FormatError(f"`prefix` of links[{at}]: `{text}` is not a network") from None
    for place, end in enumerate(ends, 1):
        for key, number in end.places.items():
            if key not in networks:
                lab.left_out.add(f"`{key}: {number}`", end.node)
        for key, network in networks.items():
            own = any((":" in text) == (network.version == 6) for text in end.addresses)
            number = end.places.get(key, place if len(ends) == 2 else ids.get(end.node, place))
            if not own and number < network.num_addresses:
                end.addresses += (f"{network[number]}/{network.prefixlen}",)
