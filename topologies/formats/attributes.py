"""Attributes of imported nodes and edges: our own keys, and those of the Topology Zoo.

All readers and writers of `formats` share this file: `node_attributes` and `link_attributes` write
what `node_of` and `profile_of` read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from ipaddress import IPv4Address
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from topologies.formats.graph import Attributes, FormatError
from topologies.formats.node_words import route_attributes, route_keys
from topologies.formats.openflow import openflow_attributes, openflow_keys
from topologies.formats.way_attributes import way_attributes, way_keys
from topologies.outside import KIND_WORDS, OUTSIDE_KINDS, graph_kind
from topologies.outside_nodes import kind_word
from topologies.profiles import LinkProfile, NodeProfile, Shape
from topologies.spec.explain import problems_of
from topologies.spec.explicit import LinkOptions, NodeEntry
from topologies.spec.merge import merged_link, merged_node
from topologies.spec.outside import OutsideKeys
from topologies.spec.rules import LinkKeys, NodeKeys, ShapeKeys
from topologies.spec.services import SetupKeys
from topologies.topology import Explicit, Kind, Topology

SHAPE_KEYS = tuple(ShapeKeys.model_fields)
_APART = {"openflow", *SetupKeys.model_fields, *OutsideKeys.model_fields}
NODE_KEYS = tuple(key for key in NodeKeys.model_fields if key not in _APART)
"""Attributes that are properties. `openflow` is flattened, see below; a graph file never starts commands."""
_WORDS = ("ip", "mac", "interfaces")
_PORT = re.compile(r"(.+?)(?:@([0-9]{1,5}))?")
Model = TypeVar("Model", bound=BaseModel)
_LAST_PORT = 0xFFFE  # 0xffff is the node itself


@dataclass(frozen=True)
class NodeMeaning:
    """Meaning of a node's attributes. `internal` false: in another network; `shared`: a hyperedge."""

    kind: Kind
    tier: str
    profile: NodeProfile
    explicit: Explicit | None
    group: int = -1
    internal: bool = True
    shared: bool = False


def node_of(attributes: Attributes, line: int = 0) -> NodeMeaning:
    """Return the meaning of `attributes`; FormatError for an invalid value.

    A node is a switch unless `kind` says otherwise, or `type` does by one of our kinds (the `type` of the
    Zoo and of yEd is free text).
    """
    word = str(attributes.get("kind", "")).strip().lower()
    if word and word not in KIND_WORDS:
        words = f"{', '.join(KIND_WORDS[:-1])} or {KIND_WORDS[-1]}"
        raise FormatError(f"kind `{word}` is not known; write {words}", line)
    if not word:
        free = str(attributes.get("type", "")).strip().lower()
        word = free if free.upper() in Kind.__members__ else "switch"
    kind = graph_kind(word)
    keys = {key: attributes[key] for key in NODE_KEYS if attributes.get(key) is not None}
    keys |= route_keys(attributes) | way_keys(attributes)
    if openflow := openflow_keys(attributes, line):
        keys["openflow"] = openflow
    profile = merged_node(_valid(NodeKeys, keys, line), None) if keys else NodeProfile()
    if word in OUTSIDE_KINDS:
        profile = replace(profile, outside=replace(profile.outside, kind=word))
    return NodeMeaning(
        kind=kind,
        tier=str(attributes.get("tier") or word),
        profile=profile,
        explicit=_explicit(attributes, kind, line),
        group=_whole(attributes.get("group", -1), "group", -1, 2**31 - 1, line),
        internal=not _is_false(attributes.get("Internal")),
        shared=attributes.get("hyperedge") is not None and not _is_false(attributes["hyperedge"]),
    )


def _is_false(value: Any) -> bool:
    return value is not None and str(value).strip().lower() in {"0", "false", "0.0"}


def _explicit(attributes: Attributes, kind: Kind, line: int) -> Explicit | None:
    """Read `dpid`, and `ip`, `mac` and `interfaces`: words `value`, of the first port, or `value@port`."""
    if not any(attributes.get(key) for key in (*_WORDS, "dpid")):
        return None
    first = 0 if kind == Kind.HOST else 1
    read: dict[str, list[tuple[int, str]]] = {key: [] for key in _WORDS}
    for key, out in read.items():
        for word in str(attributes.get(key) or "").replace(",", " ").split():
            found = _PORT.fullmatch(word)
            text, port = found.groups() if found else (word, None)
            if key == "interfaces":
                (value, _) = _valid(LinkOptions, {key: [text, None]}, line).interfaces or (text, None)
            else:
                value = getattr(_valid(NodeEntry, {key: text}, line), key)
            out.append((first if port is None else _whole(port, key, 0, _LAST_PORT, line), str(value)))
    dpid = _valid(NodeEntry, {"dpid": str(attributes["dpid"])}, line).dpid if attributes.get("dpid") else None
    return Explicit(tuple(read["ip"]), tuple(read["mac"]), None, tuple(read["interfaces"]), dpid)


def _whole(value: Any, key: str, low: int, high: int, line: int) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = low - 1
    if not low <= number <= high or isinstance(value, bool):
        raise FormatError(f"{key} `{value}` is not a whole number from {low} to {high}", line)
    return number


def ports_of(attributes: Attributes, line: int = 0) -> tuple[int, int]:
    """Return the port numbers at an edge's two ends, -1 where the file states none."""
    if "source_port" not in attributes and "target_port" not in attributes:
        return -1, -1
    first, second = (
        _whole(attributes.get(key, -1), key, -1, _LAST_PORT, line) for key in ("source_port", "target_port")
    )
    return first, second


def profile_of(attributes: Attributes, line: int = 0) -> LinkProfile:
    """Return the link profile of `attributes`; FormatError for an invalid value.

    `bandwidth`, `delay`, … for both directions; `forward_delay`, `backward_delay`, … for one.
    """
    keys = {key: attributes[key] for key in (*SHAPE_KEYS, "mtu") if attributes.get(key) is not None}
    for way in ("forward", "backward"):
        one = {key: attributes[f"{way}_{key}"] for key in SHAPE_KEYS if f"{way}_{key}" in attributes}
        if one:
            keys[way] = one
    return merged_link(_valid(LinkKeys, keys, line), LinkProfile(), reverse=False) if keys else LinkProfile()


def _valid(model: type[Model], keys: dict[str, Any], line: int) -> Model:
    try:
        return model.model_validate(keys)
    except ValidationError as error:
        path, words = problems_of(error, model, keys)[0]
        raise FormatError(f"{'.'.join(map(str, path))}: {words}".lstrip(": "), line) from error


def node_attributes(topology: Topology, node: int) -> dict[str, Any]:
    """Return the attributes of `node` in a file, besides its name."""
    kind = Kind(topology.kinds[node])
    tier = topology.tier_names[int(topology.tiers[node])]
    out: dict[str, Any] = {"kind": kind_word(topology, node)}
    if tier != out["kind"]:
        out["tier"] = tier
    if topology.groups[node] >= 0:
        out["group"] = int(topology.groups[node])
    profile, default = topology.node_profile_of(node), NodeProfile()
    out |= {key: value for key in NODE_KEYS if (value := getattr(profile, key)) != getattr(default, key)}
    out |= route_attributes(profile.setup) | way_attributes(profile.outside)
    if kind == Kind.SWITCH:
        out |= openflow_attributes(profile.openflow)
    else:
        out.pop("switch", None)  # set for the whole file, not for this node
    first = 0 if kind == Kind.HOST else 1
    explicit = topology.explicit.get(node, Explicit())
    if topology.vpcs is not None and (vpc := topology.vpcs.vpc_of(node)) is not None:
        out["vpc"] = topology.vpcs.names[vpc]
        length = topology.vpcs.subnets[topology.vpcs.of_node[node]].length
        address = IPv4Address(int(topology.vpcs.addresses[node]))
        explicit = explicit._replace(addresses=((0, f"{address}/{length}"),))
    for key, pairs in zip(_WORDS, (explicit.addresses, explicit.macs, explicit.interfaces), strict=True):
        if pairs:
            out[key] = " ".join(text if port == first else f"{text}@{port}" for port, text in pairs)
    if explicit.dpid is not None:
        out["dpid"] = f"0x{explicit.dpid:x}"
    if topology.positions is not None:
        out["x"], out["y"] = map(float, topology.positions[node])
    return out


def link_attributes(profile: LinkProfile) -> dict[str, Any]:
    """Return the attributes in a file of a link with `profile`, besides its ends and ports."""
    out = {}
    if profile.forward == profile.backward:
        out = _shape_attributes(profile.forward, "")
    else:
        out = _shape_attributes(profile.forward, "forward_")
        out |= _shape_attributes(profile.backward, "backward_")
    if profile.mtu is not None:
        out["mtu"] = profile.mtu
    return out


def _shape_attributes(shape: Shape, prefix: str) -> dict[str, Any]:
    return {prefix + f.name: value for f in fields(shape) if (value := getattr(shape, f.name)) is not None}
