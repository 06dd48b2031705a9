"""Layers of a drawing: cores on top, hosts at the bottom.

A graph has layers when its links go up and down: by distance from the nearest host if every link
joins neighbouring distances (trees, fat-trees, leaf-spine, regions), else by tiers if few links
stay inside one. Other graphs (rings, tori, random graphs, backbones) have none.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from topologies.topology import I64, Kind, Topology

MAX_LAYERS = 12
_MOST_INSIDE = 0.25
"""Largest share of links inside a layer with which tiers are drawn as layers."""


def host_distance(topology: Topology) -> I64:
    """Return each node's distance in links from the nearest host: int64[n], -1 where none is reachable."""
    distance = np.where(topology.kinds == Kind.HOST, 0, -1).astype(np.int64)
    a, b = topology.ends[:, 0], topology.ends[:, 1]
    step = 0
    while True:
        at_a, at_b = distance[a] == step, distance[b] == step
        new = np.concatenate([b[at_a & (distance[b] < 0)], a[at_b & (distance[a] < 0)]])
        if not len(new):
            return distance
        step += 1
        distance[new] = step


def layers(topology: Topology) -> I64 | None:
    """Return the layer of each node, 0 on top (int64[n]), or None for a graph without layers."""
    if not topology.link_count or topology.positions is not None:
        return None
    distance = host_distance(topology)
    if distance.max() < 1 or (distance < 0).any() or distance.max() >= MAX_LAYERS:
        return None
    up = np.abs(distance[topology.ends[:, 0]] - distance[topology.ends[:, 1]])
    switch_layers = len(np.unique(distance[topology.kinds != Kind.HOST]))
    if (up == 1).all() and (switch_layers > 1 or (distance > 0).sum() == 1):
        return np.asarray(distance.max() - distance)
    return _by_tier(topology, distance)


def _by_tier(topology: Topology, distance: I64) -> I64 | None:
    """Return the layers by tier, those near the hosts lowest; None when too many links are inside tiers."""
    switches: npt.NDArray[np.bool_] = np.asarray(topology.kinds != Kind.HOST)
    used = np.unique(topology.tiers[switches]).tolist()
    if not 2 <= len(used) < MAX_LAYERS:
        return None
    mean = {tier: float(distance[switches & (topology.tiers == tier)].mean()) for tier in used}
    order = sorted(used, key=lambda tier: (-mean[tier], -used.index(tier)))
    if len({round(m, 6) for m in mean.values()}) == 1:
        order = used  # all are equally near: keep the order of the generator
    out = np.full(topology.node_count, len(order), dtype=np.int64)
    for at, tier in enumerate(order):
        out[switches & (topology.tiers == tier)] = at
    inside = out[topology.ends[:, 0]] == out[topology.ends[:, 1]]
    return out if inside.mean() <= _MOST_INSIDE else None
