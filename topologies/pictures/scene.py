"""Scene: the items of a topology with positions and names, ready to be drawn, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from topologies.counting import counted
from topologies.pictures import force_layout, lattice, row_layout
from topologies.pictures.fold import Fold, best
from topologies.pictures.hierarchy import Hierarchy, hierarchy
from topologies.pictures.legend import tier_word
from topologies.topology import F64, I64, Topology

TIMES = "\u00d7"
"""The multiplication sign."""
WIDTH = 1200.0
MARGIN = 56.0
ROW = 132.0
_MAP_HEIGHT = 720.0
_LINK, _GRID_LINK, _MAP_LINK = 130.0, 170.0, 300.0
"""Largest mean length of a link in pixels: small graphs don't fill the canvas."""
_NEAREST = 26.0
"""Smallest distance of two nodes on a map, in pixels."""


@dataclass(frozen=True)
class Scene:
    """Positions `x`, `y` float64[k] of the fold's items, and the space around each, `spacing` float64[k]."""

    topology: Topology
    tree: Hierarchy
    fold: Fold
    x: F64
    y: F64
    spacing: F64
    height: float


def scene(topology: Topology) -> Scene:
    """Return the layout of `topology`, folded as far as needed."""
    tree = hierarchy(topology)
    return arranged(topology, tree, best(topology, tree))


def arranged(topology: Topology, tree: Hierarchy, fold: Fold) -> Scene:
    """Return the layout of `fold`: in rows, by coordinates, or by distance in the graph."""
    if tree.layered:
        return _rows(topology, tree, fold)
    return _plane(topology, tree, fold)


def _rows(topology: Topology, tree: Hierarchy, fold: Fold) -> Scene:
    x, row_spacing = row_layout.layered(fold, tree, WIDTH - 2 * MARGIN)
    rows = len(row_spacing)
    drop = ROW if rows > 2 else ROW * 1.2
    y = fold.layer * drop + 30
    return Scene(
        topology, tree, fold, x + MARGIN, y.astype(float), row_spacing[fold.layer], (rows - 1) * drop + 70
    )


def _plane(topology: Topology, tree: Hierarchy, fold: Fold) -> Scene:
    """Place the switches first, then the leaves around the switch they are linked to."""
    leaf = (fold.layer == 1) & (np.bincount(fold.links.ravel(), minlength=len(fold)) == 1)
    core = np.flatnonzero(~leaf)
    rank = np.full(len(fold), -1)
    rank[core] = np.arange(len(core))
    inner = rank[fold.links[(~leaf)[fold.links].all(axis=1)]]
    grid = lattice.grid_places(len(core), inner)
    if topology.positions is not None:
        places = _apart(_fitted(_mean_positions(topology, fold)[core], inner, _MAP_LINK))
    elif grid is not None:
        places = _fitted(grid * (1, -1), inner, _GRID_LINK)
    else:
        places = _fitted(force_layout.placed(len(core), inner) * (1, -1), inner, _LINK)
    xy = np.zeros((len(fold), 2))
    xy[core] = places
    room = np.full(len(fold), _room(places))
    _around(fold, leaf, xy, room)
    xy[:, 1] -= xy[:, 1].min() - 34
    return Scene(topology, tree, fold, xy[:, 0], xy[:, 1], room, float(xy[:, 1].max()) + 44)


def _mean_positions(topology: Topology, fold: Fold) -> F64:
    """Return the mean position of each item's nodes."""
    if topology.positions is None:
        raise ValueError("there are no positions")
    total = np.zeros((len(fold), 2))
    np.add.at(total, fold.item, topology.positions)
    mean = total / np.maximum(np.bincount(fold.item, minlength=len(fold)), 1)[:, None]
    low, high = topology.positions.min(axis=0), topology.positions.max(axis=0)
    geographic = (np.abs([low, high]) <= (360, 90)).all() and (high - low).max() > 2
    if geographic:  # a degree of longitude shrinks with the distance from the equator
        mean = mean * (np.cos(np.radians((low[1] + high[1]) / 2)), 1.0)
    return np.asarray(mean * (1, -1))


def _fitted(places: F64, links: I64, longest: float) -> F64:
    """Return `places` scaled to the canvas in proportion; the mean link is at most `longest`."""
    low, high = places.min(axis=0), places.max(axis=0)
    extent = np.maximum(high - low, 1e-9)
    scale = min((WIDTH - 4 * MARGIN) / extent[0], _MAP_HEIGHT / extent[1])
    if len(links):
        vectors = places[links[:, 0]] - places[links[:, 1]]
        scale = min(scale, longest / max(float(np.linalg.norm(vectors, axis=1).mean()), 1e-9))
    if len(places) == 1:
        scale = 0.0
    return np.asarray((places - (low + high) / 2) * scale + (WIDTH / 2, extent[1] * scale / 2 + 2 * MARGIN))


def _apart(places: F64) -> F64:
    """Return `places` with nearly coinciding ones pushed apart and the others unchanged."""
    places = places.copy()
    turn = np.arange(len(places)) * 2.399963
    places += 0.5 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    for _ in range(40):
        vectors = places[:, None] - places[None]
        distance = np.linalg.norm(vectors, axis=2) + np.eye(len(places)) * _NEAREST
        push = np.maximum(_NEAREST - distance, 0) / 2
        if not push.any():
            break
        places += (vectors / distance[:, :, None] * push[:, :, None]).sum(axis=1)
    return places


def _room(places: F64) -> float:
    """Return a typical distance between nearest neighbours, in pixels."""
    if len(places) < 2:
        return 160.0
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return float(np.clip(np.quantile(apart.min(axis=1), 0.3), 12, 160))


def _around(fold: Fold, leaf: np.ndarray[tuple[int], np.dtype[np.bool_]], xy: F64, room: F64) -> None:
    """Place the leaves around the node they are linked to, in its widest free angle."""
    near: dict[int, list[int]] = {}
    for a, b in fold.links.tolist():
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    for centre in np.flatnonzero(~leaf).tolist():
        mine = [item for item in near.get(centre, []) if leaf[item]]
        if not mine:
            continue
        others = [item for item in near[centre] if not leaf[item]]
        vectors = xy[others] - xy[centre]
        start, free = _free_angle(np.arctan2(vectors[:, 1], vectors[:, 0]))
        radius = float(np.clip(room[centre] * 0.52, 14, 58))
        for at, item in enumerate(mine):
            angle = start + free * (at + 1) / (len(mine) + 1)
            xy[item] = xy[centre] + radius * np.array([np.cos(angle), np.sin(angle)])
            room[item] = min(room[item], 2 * radius * np.sin(min(free / (len(mine) + 1), np.pi) / 2))


def _free_angle(angles: F64) -> tuple[float, float]:
    """Return (start, width) of the widest angle without any of `angles`."""
    if not len(angles):
        return -np.pi / 2, 2 * np.pi
    ordered = np.sort(angles)
    gaps = np.diff(np.append(ordered, ordered[0] + 2 * np.pi))
    widest = int(np.argmax(gaps.round(6)))
    return float(ordered[widest]), float(gaps[widest])


def counts_text(topology: Topology) -> str:
    """Return "16 hosts · 20 switches · 48 links"."""
    parts = [counted(count, kind) for kind, count in topology.kind_counts().items()]
    return " · ".join([*parts, counted(topology.link_count, "link")])


def fold_note(scene: Scene) -> str:
    """Return a note on the fold; "" when every node is drawn."""
    fold = scene.fold
    if fold.level is None:
        return ""
    stacks = np.flatnonzero((fold.group >= 0) & (fold.count > 1))
    if not len(stacks):
        return ""
    parts: dict[int, list[str]] = {}
    for row in np.unique(fold.layer[stacks]).tolist():
        mine = stacks[fold.layer[stacks] == row]
        low, high = int(fold.count[mine].min()), int(fold.count[mine].max())
        number = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        word = tier_word(scene.topology, int(fold.first[mine[0]]))
        parts.setdefault(len(np.unique(fold.group[mine])), []).append(f"{number} {word}")
    return "folded: " + ", ".join(
        f"{groups:,} {TIMES} ({' + '.join(words)})" for groups, words in parts.items()
    )
