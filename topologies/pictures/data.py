"""Data of the interactive page: atoms, groups, links and names as JSON."""

from __future__ import annotations

from typing import Any

import numpy as np

from topologies.formats.addresses import Addresses
from topologies.identifiers import mac
from topologies.names import NameBlock
from topologies.outside_nodes import kind_word
from topologies.pictures.carried import carried, carried_note
from topologies.pictures.fold import MAX_ITEMS, Fold, best
from topologies.pictures.hierarchy import Hierarchy, hierarchy
from topologies.pictures.labels import Labels
from topologies.pictures.legend import legend
from topologies.pictures.marks import plane_radius
from topologies.pictures.row_layout import row_order
from topologies.pictures.scene import arranged, counts_text
from topologies.profiles import LinkProfile, Shape
from topologies.quantities import RATE, SHARE, SIZE, TIME
from topologies.topology import I64, Kind, Topology

MOST_ATOMS, MOST_ATOMS_PLANE = 4000, 600
_MOST_RANGES = 64


def page_data(topology: Topology) -> dict[str, Any]:
    """Return the page's data; `atoms` are in drawing order, row by row from left to right.

    Light ports are numbers at their compute hosts.
    """
    counts = " · ".join(words for words in (counts_text(topology), carried_note(topology)) if words)
    ports, topology = carried(topology), topology.full
    tree = hierarchy(topology)
    fold = best(topology, tree, MOST_ATOMS if tree.layered else MOST_ATOMS_PLANE)
    first = best(topology, tree, MAX_ITEMS)
    order = _order(tree, fold)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    inner = len(tree.groups) if fold.level is None else fold.level
    group_of, groups = _groups(tree, fold, order, inner)
    entries, entry_of = legend(topology, tree.layer)
    atoms = _atoms(topology, fold, order, group_of, entry_of)
    _add_ports(atoms, fold.item, ports, order)
    out: dict[str, Any] = {
        "counts": counts,
        "layered": tree.layered,
        "rows": int(tree.layer.max()) + 1,
        "open": inner if first.level is None else first.level,
        "room": 60.0,
        "groups": groups,
        "tiers": [
            {"word": e.word, "colour": e.colour, "kind": e.kind.word, "count": e.count} for e in entries
        ],
        "atoms": atoms,
        "links": _links(topology, fold, rank),
        "profiles": _profiles(topology),
        "names": _names(topology, fold),
    }
    if not tree.layered:
        scene = arranged(topology, tree, fold)
        labels = Labels(scene)
        for atom, item in zip(atoms, order.tolist(), strict=True):
            atom["x"], atom["y"] = round(float(scene.x[item]), 1), round(float(scene.y[item]), 1)
            if atom["count"] == 1 and (atom["kind"] == "host" or not labels.inside_size(item)):
                atom["side"] = labels.beside(item, atom["name"], plane_radius(scene, item))
        out["room"] = round(float(np.median(scene.spacing)), 1)
    return out


def _order(tree: Hierarchy, fold: Fold) -> I64:
    """Return the items row by row, from left to right."""
    rows = range(int(fold.layer.max()) + 1)
    if tree.layered:
        return np.concatenate([row_order(fold, tree, row) for row in rows])
    return np.lexsort([fold.first, fold.layer])


def _groups(tree: Hierarchy, fold: Fold, order: I64, inner: int) -> tuple[list[int], list[dict[str, Any]]]:
    """Return (innermost group of each atom or -1, the groups): those of two atoms or more."""
    numbers: dict[tuple[int, int], int] = {}
    groups: list[dict[str, Any]] = []
    of = [-1] * len(order)
    nodes = fold.first[order]
    for level in range(inner):
        labels = tree.groups[level][nodes]
        sizes = dict(zip(*map(np.ndarray.tolist, np.unique(labels, return_counts=True)), strict=True))
        for atom, label in enumerate(labels.tolist()):
            if label < 0 or sizes[label] < 2:
                continue
            if (level, label) not in numbers:
                numbers[level, label] = len(groups)
                rows = np.unique(fold.layer[order][labels == label])
                groups.append({"parent": of[atom], "level": level, "mixed": len(rows) > 1})
            of[atom] = numbers[level, label]
    return of, groups


def _atoms(
    topology: Topology, fold: Fold, order: I64, group_of: list[int], entry_of: I64
) -> list[dict[str, Any]]:
    members = _members(fold)
    facts = _Facts(topology)
    atoms = []
    for at, item in enumerate(order.tolist()):
        node, count = int(fold.first[item]), int(fold.count[item])
        atom: dict[str, Any] = {
            "name": topology.names[node],
            "kind": kind_word(topology, node),
            "tier": int(entry_of[node]),
            "row": int(fold.layer[item]),
            "count": count,
            "group": group_of[at],
        }
        if count == 1:
            atom["facts"] = facts.of(node)
        else:
            atom["last"] = topology.names[int(members[item][-1])]
            atom["ranges"] = _ranges(members[item])
        atoms.append(atom)
    return atoms


def _add_ports(atoms: list[dict[str, Any]], item: I64, ports: I64, order: I64) -> None:
    """Add the number of light ports to the facts of compute hosts, and of stacks of them."""
    held = np.bincount(item, weights=ports, minlength=len(order))[order].astype(np.int64)
    for atom, count in zip(atoms, held.tolist(), strict=True):
        if count and "facts" in atom:
            atom["facts"].append(["light ports", f"{count:,}"])


def _members(fold: Fold) -> list[I64]:
    """Return the nodes of each item, ascending."""
    by_item = np.argsort(fold.item, kind="stable")
    return np.split(by_item, np.cumsum(fold.count)[:-1])


def _ranges(nodes: I64) -> list[list[int]]:
    """Return the runs of consecutive numbers in `nodes`, the first 64."""
    breaks = np.flatnonzero(np.diff(nodes) != 1) + 1
    return [[int(run[0]), int(run[-1])] for run in np.split(nodes, breaks[:_MOST_RANGES])]


class _Facts:
    """Facts about one node: addresses, MAC, limits."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._addresses = Addresses(topology)

    def of(self, node: int) -> list[list[str]]:
        """Return [key, value] pairs of `node`."""
        topology = self._topology
        found = [text for _, text in self._addresses.of(node)]
        out = [["address", ", ".join(found)]] if found else []
        if topology.kinds[node] == Kind.HOST:
            out.append(["MAC", mac(topology, node, 0).hex(":")])
        out.append(["ports", str(int(topology.degrees[node]))])
        profile = topology.node_profile_of(node)
        if profile.fidelity != "full":
            out.append(["fidelity", profile.fidelity])
        if profile.cpu is not None:
            out.append(["CPU", f"{profile.cpu:g} cores"])
        if profile.memory is not None:
            out.append(["memory", SIZE.text(profile.memory)])
        return out


def _links(topology: Topology, fold: Fold, rank: I64) -> list[list[int]]:
    """Return [atom, atom, links, profile, port, port] of each pair of linked atoms."""
    out = []
    for (a, b), width, link in zip(
        fold.links.tolist(), fold.widths.tolist(), fold.link.tolist(), strict=True
    ):
        p, q = topology.ports[link].tolist()
        if fold.item[topology.ends[link, 0]] != a:
            p, q = q, p
        out.append([int(rank[a]), int(rank[b]), width, int(topology.link_profile[link]), p, q])
    return out


def _profiles(topology: Topology) -> list[dict[str, Any]]:
    """Return the text of each link profile, and the extra width it is drawn with."""
    rates = [profile.forward.bandwidth or 0.0 for profile in topology.link_profiles]
    lowest = min((rate for rate in rates if rate), default=1.0)
    thick = [round(min(float(np.log10(rate / lowest)), 3.0), 2) if rate else 0.0 for rate in rates]
    return [
        {"words": _profile_text(p), "thick": t} for p, t in zip(topology.link_profiles, thick, strict=True)
    ]


def _profile_text(profile: LinkProfile) -> str:
    words = _shape_text(profile.forward)
    if profile.backward != profile.forward:
        words = f"→ {words or 'no limits'}, ← {_shape_text(profile.backward) or 'no limits'}"
    return words + (f" · MTU {profile.mtu}" if profile.mtu else "")


def _shape_text(shape: Shape) -> str:
    parts = [RATE.text(shape.bandwidth)] if shape.bandwidth is not None else []
    parts += [TIME.text(shape.delay)] if shape.delay else []
    parts += [f"± {TIME.text(shape.jitter)}"] if shape.jitter else []
    for key in ("loss", "duplicate", "reorder", "corrupt"):
        value = getattr(shape, key)
        parts += [f"{key} {SHARE.text(value)}"] if value else []
    return " · ".join(parts)


def _names(topology: Topology, fold: Fold) -> list[dict[str, Any]]:
    """Return the formulas of the names, for finding nodes inside stacks; lists have none."""
    if fold.level is None:
        return []
    return [
        {"count": block.count, "parts": block.parts, "shape": block.shape, "first": block.first}
        if isinstance(block, NameBlock)
        else {"count": block.count}
        for block in topology.names.blocks
    ]
