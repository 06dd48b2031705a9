"""Nodes and links as the file gives them.

topology:
  nodes: {h1: {kind: host, ip: 10.0.0.1/24}, s1: {kind: switch}}
  links: [[h1, s1], [s1, s2, {bandwidth: 100 Mbit}]]
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, Field

from topologies.builder import Builder
from topologies.errors import ParameterError
from topologies.families import Context, GeneratorParams
from topologies.names import NODE_NAME, NameList
from topologies.profiles import LinkProfile
from topologies.spec.document import LinkKeys, NodeKeys
from topologies.spec.merge import merged_link, merged_node
from topologies.topology import Given, Kind, Topology

_MAC = re.compile(r"^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$")


def _interface(value: str) -> str:
    try:
        ipaddress.ip_interface(value)
    except ValueError:
        raise ValueError(f"`{value}` is not an address; write for example 10.0.0.1/24") from None
    return value


def _mac(value: str) -> str:
    if not _MAC.match(value):
        raise ValueError(f"`{value}` is not a MAC address; write for example 02:00:00:00:00:01")
    if int(value[:2], 16) & 1:
        raise ValueError(f"`{value}` is a multicast address; the first byte of a node's MAC must be even")
    return value.lower()


class NodeEntry(NodeKeys):
    """One node of `nodes:`."""

    kind: Literal["host", "switch", "router"] = "host"
    tier: str | None = None
    ip: Annotated[str, AfterValidator(_interface)] | None = Field(None, description="Address of port 0")
    mac: Annotated[str, AfterValidator(_mac)] | None = Field(None, description="MAC of port 0")


class LinkOptions(LinkKeys):
    """The third item of a link: its properties."""


class Params(GeneratorParams):
    """Keys of a topology given by hand."""

    nodes: Annotated[dict[str, NodeEntry | None], Field(min_length=1)]
    links: list[list[Any]] = Field(default_factory=list)

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return len(self.nodes)


def generate(params: Params, context: Context) -> Topology:
    """Return the graph as given, nodes in file order."""
    build = Builder()
    given: dict[int, Given] = {}
    index: dict[str, int] = {}
    for name, maybe in params.nodes.items():
        if not NODE_NAME.match(name):
            raise ParameterError(
                (*context.loc, "nodes", name),
                "is not a node name; use letters, digits, `_`, `.` and `-`, 63 at most",
            )
        entry = maybe or NodeEntry()
        kind = Kind[entry.kind.upper()]
        index[name] = build.add_node(
            kind, name, tier=entry.tier or entry.kind, profile=merged_node(entry, None)
        )
        first = 0 if kind == Kind.HOST else 1
        if entry.ip or entry.mac:
            given[index[name]] = Given(
                ((first, entry.ip),) if entry.ip else (), ((first, entry.mac),) if entry.mac else ()
            )
    for at, link in enumerate(params.links):
        _add_link(build, index, link, (*context.loc, "links", at))
    built = build.build()
    compact = replace(built, names=type(built.names)((NameList(tuple(params.nodes)),)))
    return replace(compact, given=given)


def _add_link(build: Builder, index: dict[str, int], link: list[Any], loc: tuple[str | int, ...]) -> None:
    if len(link) not in (2, 3):
        raise ParameterError(loc, "must be [node, node] or [node, node, {properties}]")
    for end in link[:2]:
        if str(end) not in index:
            raise ParameterError(loc, f"there is no node `{end}`")
    if str(link[0]) == str(link[1]):
        raise ParameterError(loc, f"`{link[0]}` can't be linked to itself")
    keys = LinkOptions.model_validate(link[2]) if len(link) == 3 else LinkOptions()
    profile = merged_link(keys, LinkProfile(), reverse=False)
    build.add_links(np.array([index[str(link[0])]]), np.array([index[str(link[1])]]), profile)
