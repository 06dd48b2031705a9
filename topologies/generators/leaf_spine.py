"""Leaf-spine: every leaf switch linked to every spine switch, hosts on the leaves.

The folded Clos network of two tiers (Clos: A study of non-blocking switching networks, Bell System
Technical Journal 32, 1953; RFC 7938, section 3.2). Oversubscription is the ratio of a leaf's
host-facing capacity to its spine-facing capacity, so that each of its uplinks has
host_bandwidth x hosts_per_leaf / (spines x oversubscription).
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from topologies.builder import Builder
from topologies.families import Context, GeneratorParams
from topologies.generators.parts import Count, full_mesh
from topologies.profiles import LinkProfile, Shape
from topologies.quantities import RATE
from topologies.spec.quantity_types import Rate
from topologies.topology import Kind, Topology


class Params(GeneratorParams):
    """Keys of `generator: leaf-spine`."""

    generator: Literal["leaf-spine"] = "leaf-spine"
    spines: Annotated[Count, Field(description="Spine switches")] = 2
    leaves: Annotated[Count, Field(description="Leaf switches")] = 4
    hosts_per_leaf: Annotated[int, Field(ge=0, le=10**6, description="Hosts on each leaf")] = 4
    host_bandwidth: Rate | None = Field(
        None, description="Rate of each host's link, e.g. 1 Gbit; determines the rate of uplinks"
    )
    oversubscription: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        None, description="Host capacity of a leaf / its uplink capacity; default: 1 (non-blocking)"
    )

    @model_validator(mode="after")
    def _rates(self) -> Params:
        if self.host_bandwidth is None:
            if self.oversubscription is not None:
                raise ValueError("`oversubscription` is a ratio of rates; give `host_bandwidth` too: 1 Gbit")
            return self
        if self.hosts_per_leaf == 0:
            raise ValueError("`host_bandwidth` says nothing without hosts; give `hosts_per_leaf` too")
        uplink = self.uplink_bandwidth
        if uplink is not None and not RATE.low <= uplink <= RATE.high:
            raise ValueError(
                f"each uplink would have {uplink:g} bit/s; a rate must be from {RATE.range}: "
                "change `host_bandwidth`, `spines` or `oversubscription`"
            )
        return self

    @property
    def uplink_bandwidth(self) -> float | None:
        """Rate of each leaf-spine link in bit/s, or None when nothing is shaped."""
        if self.host_bandwidth is None:
            return None
        return self.host_bandwidth * self.hosts_per_leaf / (self.spines * (self.oversubscription or 1.0))

    def node_estimate(self) -> int:
        """Return the exact number of nodes."""
        return self.spines + self.leaves * (1 + self.hosts_per_leaf)

    def link_estimate(self) -> int:
        """Return the exact number of links."""
        return self.leaves * (self.spines + self.hosts_per_leaf)


def _profile(bandwidth: float | None) -> LinkProfile:
    return LinkProfile(Shape(bandwidth=bandwidth), Shape(bandwidth=bandwidth))


def generate(params: Params, context: Context) -> Topology:
    """Return the fabric: spine1…, leaf1…, hosts h1… in the order of their leaves."""
    del context
    build = Builder()
    groups = np.arange(params.leaves)
    spines = build.add_nodes(Kind.SWITCH, "spine", params.spines, tier="spine")
    leaves = build.add_nodes(Kind.SWITCH, "leaf", params.leaves, tier="leaf", group=groups)
    group = np.repeat(groups, params.hosts_per_leaf)
    hosts = build.add_nodes(Kind.HOST, "h", len(group), group=group)
    build.add_links(leaves[group], hosts, _profile(params.host_bandwidth))
    build.add_links(*full_mesh(leaves[None, :], spines[None, :]), _profile(params.uplink_bandwidth))
    return build.build()
