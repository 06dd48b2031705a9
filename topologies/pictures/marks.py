"""Marks of a picture: hosts are dots, switches and routers boxes, folded nodes stacks of cards."""

from __future__ import annotations

from html import escape

import numpy as np

from topologies.pictures.labels import CHARACTER, PORTS_LINE, Labels, box_width
from topologies.pictures.scene import MARGIN, TIMES, Scene
from topologies.pictures.style import HOST
from topologies.topology import Kind


def plane_radius(drawn: Scene, item: int) -> float:
    """Return the radius of a node's mark in a picture without rows, in pixels."""
    host = drawn.topology.kinds[drawn.fold.first[item]] == Kind.HOST
    return float(np.clip(drawn.spacing[item] * 0.22, 1.8, 5)) if host else _side(drawn.spacing[item]) / 2


def _side(room: float) -> float:
    return float(np.clip(room * 0.7, 3.5, 13))


def beside(drawn: Scene, item: int, name: str, labels: Labels) -> str:
    """Draw the name next to its node, where it covers nothing; smaller where there is little room."""
    side, part = labels.shrunk(item, name, plane_radius(drawn, item))
    place = f'x="{drawn.x[item] + side.dx:.1f}" y="{drawn.y[item] + side.dy:.1f}" text-anchor="{side.anchor}"'
    style = "" if part == 1 else f' style="font-size:{10.5 * part:.1f}px;stroke-width:{3 * part:.1f}px"'
    return f'<text class="n halo" {place}{style}>{escape(name)}</text>'


def _turned(css: str, at: tuple[float, float], words: str, size: float) -> str:
    """Draw `words` on their side, from the top down; `at` is their begin, in a box (`in`) their middle."""
    anchor = "middle" if css == "in" else "start"
    place = f'transform="translate({at[0] - size * 0.34:.1f} {at[1]:.1f}) rotate(90)" text-anchor="{anchor}"'
    return f'<text class="{css}" {place} style="font-size:{size:.1f}px">{escape(words)}</text>'


def _text(css: str, x: float, y: float, words: str, size: float = 11) -> str:
    """Draw `words` centred at x, at `size` where that is below the style's own."""
    style = f' style="font-size:{size:.1f}px"' if size < 10.5 else ""
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="middle"{style}>{escape(words)}</text>'


def stack(drawn: Scene, item: int, colour: str, kind: Kind) -> str:
    """Draw three cards, the number of nodes on the front one and, with room, their names below."""
    fold, names = drawn.fold, drawn.topology.names
    x, y, room = drawn.x[item], drawn.y[item], min(drawn.spacing[item], 150.0)
    text = f"{TIMES} {fold.count[item]:,}"
    size = float(np.clip((room * 0.72 - 6) / (len(text) * CHARACTER), 6, 11))
    wide = min(max(len(text) * CHARACTER * size + 12, 30), room * 0.78)
    high = min(26.0, wide * 0.8)
    step = min(4.0, wide * 0.1, room * 0.05)
    css = " host" if kind == Kind.HOST else ""
    cards = "".join(
        f'<rect class="card{css}" fill="{colour}" x="{x - wide / 2 + at * step:.1f}" '
        f'y="{y - high / 2 - at * step:.1f}" width="{wide:.1f}" height="{high:.1f}" rx="{high / 3.6:.1f}"/>'
        for at in (2, 1, 0)
    )
    if len(text) * CHARACTER * size <= wide:
        cards += _text("in onhost" if kind == Kind.HOST else "in", x, y + 4, text, size)
    mine = np.flatnonzero(fold.item == item)[[0, -1]].tolist()
    words = f"{names[mine[0]]} … {names[mine[1]]}"
    if drawn.spacing[item] >= 2 * MARGIN and len(words) * 5.6 < drawn.spacing[item]:
        cards += _text("n halo", x, y + high / 2 + 14, words)
    return cards


def host(drawn: Scene, item: int, name: str, labels: Labels, ports: int = 0) -> str:
    """Draw a host as a dot, its name below or beside it when there is room, and its number of light ports."""
    x, y, room = drawn.x[item], drawn.y[item], drawn.spacing[item]
    radius = float(np.clip(room * 0.3, 1.8, 8.5)) if drawn.tree.layered else plane_radius(drawn, item)
    dot = f'<circle class="card host" fill="{HOST}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>'
    if not drawn.tree.layered:
        return dot + beside(drawn, item, name, labels)
    size, turned = labels.below_size(item, room)
    if turned:
        words = f"{name} {TIMES}{ports:,}" if ports else name
        return dot + _turned("n", (x, y + radius + 4), words, size)
    words = next((w for w in (f"{TIMES}{ports:,} ports", f"{TIMES}{ports:,}") if len(w) * 6 < room), "")
    more = _text("n", x, y + radius + 14 + PORTS_LINE, words, size) if ports and words else ""
    return dot + _text("n", x, y + radius + 14, name, size) + more


def box(drawn: Scene, item: int, name: str, colour: str, labels: Labels) -> str:
    """Draw a switch as a rounded box, its name inside when the names of its row have room there."""
    x, y, room = drawn.x[item], drawn.y[item], drawn.spacing[item]
    layered = drawn.tree.layered
    size = labels.row_size(item, room * 0.92, min(8.0, room * 0.3)) if layered else labels.inside_size(item)
    turned = 0.0 if size or not layered else labels.turned_size(item, room)
    if turned:
        wide, high = room * 0.86, len(name) * CHARACTER * turned + 8
        wide = min(wide, turned + 10)
    elif size:
        wide, high = box_width(len(name), size, room), 25.0
        wide = max(min(wide, room * 0.92), min(46.0, room * 0.8)) if layered else wide
    else:
        wide = high = _side(room)
    shape = (
        f'<rect class="card" fill="{colour}" x="{x - wide / 2:.1f}" y="{y - high / 2:.1f}" '
        f'width="{wide:.1f}" height="{high:.1f}" rx="{min(7.0, high * 0.35):.1f}"/>'
    )
    if turned:
        return shape + _turned("in", (x, y), name, turned)
    if not size:
        return shape + beside(drawn, item, name, labels)
    return shape + _text("in", x, y + 4, name, size)
