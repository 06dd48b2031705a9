"""Draw a topology as one SVG file, light and dark, without scripts; it loads nothing.

At most about 400 items are drawn; larger graphs are folded into stacks, and the title says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import numpy as np

from topologies.counting import counted
from topologies.pictures.carried import carried, carried_note
from topologies.pictures.curves import curve, path
from topologies.pictures.labels import Labels
from topologies.pictures.legend import Entry, legend, tier_word
from topologies.pictures.link_rates import rate_labels
from topologies.pictures.marks import box, host, stack
from topologies.pictures.row_layout import panel_edges, panel_groups, row_order
from topologies.pictures.scene import MARGIN, TIMES, WIDTH, Scene, counts_text, fold_note, scene
from topologies.pictures.style import CSS
from topologies.topology import I64, Kind, Topology

_TOP = 84.0
_FOOT = 62.0


def svg(topology: Topology, *, rates: bool = False) -> str:
    """Return the picture, with the rates of links if `rates`.

    Names are escaped, so no name is markup. Light ports are numbers at their hosts.
    """
    drawn = scene(topology.full)
    labels = Labels(drawn)
    ports = carried(topology)
    below = labels.below(ports[drawn.fold.first])
    height = f"{drawn.height + below + _TOP + _FOOT:.0f}"
    title, counts = escape(topology.name or "topology"), counts_text(topology)
    note = escape(_note(topology, drawn))
    size = f'viewBox="0 0 {WIDTH:g} {height}"'  # without a width: as wide as there is room
    entries, entry_of = legend(topology.full, drawn.tree.layer)
    colours = [entries[at].colour for at in entry_of[drawn.fold.first].tolist()]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{title}: {counts}">\n',
        f"<title>{title}: {counts}{'; ' + note if note else ''}</title>\n<style>\n{CSS}\n</style>\n",
        f'<rect class="bg" width="{WIDTH:g}" height="{height}" rx="14"/>\n',
        f'<text class="t" x="{MARGIN:g}" y="44">{title}</text>\n',
        f'<text class="s" x="{MARGIN:g}" y="66">{counts}{" · " + note if note else ""}</text>\n',
        f'<g transform="translate(0 {_TOP:g})">\n',
        *_panels(drawn, below),
        *_links(drawn),
        *(rate_labels(drawn) if rates else ()),
        *_nodes(drawn, colours, ports, labels),
        "</g>\n",
        *_legend(entries, float(height) - 26),
        "</svg>\n",
    ]
    return "".join(parts)


def _note(topology: Topology, drawn: Scene) -> str:
    """Return a note on what isn't drawn one by one; "" when everything is."""
    return " · ".join(note for note in (fold_note(drawn), carried_note(topology)) if note)


def _panels(drawn: Scene, below: float) -> Iterator[str]:
    """Draw a pale panel behind each pod, `below` pixels longer than its rows: no two overlap."""
    panels = panel_groups(drawn.fold, drawn.tree)
    lowest = row_order(drawn.fold, drawn.tree, int(drawn.fold.layer.max()))
    edges = panel_edges(panels, lowest, drawn.x, float(drawn.spacing[lowest].min()))
    for group, (left, right) in edges.items():
        y = drawn.y[panels == group]
        top, bottom = float(y.min()) - 34, float(y.max()) + 34 + below
        size = f'width="{right - left:.1f}" height="{bottom - top:.1f}"'
        yield f'<rect class="panel" x="{left:.1f}" y="{top:.1f}" {size} rx="12"/>\n'


def _links(drawn: Scene) -> Iterator[str]:
    fold = drawn.fold
    shown = len(fold.links)
    opacity = 0.85 if shown <= 80 else 0.6 if shown <= 250 else 0.38 if shown <= 800 else 0.22
    yield f'<g class="l" stroke-opacity="{opacity}">\n'
    extra = _extra_widths(drawn.topology)
    for (a, b), width, link in zip(
        fold.links.tolist(), fold.widths.tolist(), fold.link.tolist(), strict=True
    ):
        stroke = 1.1 + 0.55 * np.log10(width) + extra[int(drawn.topology.link_profile[link])]
        yield f'<path d="{path(curve(drawn, a, b))}" stroke-width="{stroke:.2f}"/>\n'
    yield "</g>\n"


def _extra_widths(topology: Topology) -> list[float]:
    """Return the extra width of each link profile: one pixel for a tenfold rate above the lowest."""
    rates = [profile.forward.bandwidth or 0.0 for profile in topology.link_profiles]
    lowest = min((rate for rate in rates if rate), default=1.0)
    return [min(float(np.log10(rate / lowest)), 3.0) if rate else 0.0 for rate in rates]


def _nodes(drawn: Scene, colours: list[str], ports: I64, labels: Labels) -> Iterator[str]:
    """Draw the items, the lowest row first; in a plane the switches first, for their labels.

    `ports` are the numbers of light ports by node: int64[n].
    """
    held = np.bincount(drawn.fold.item, weights=ports, minlength=len(drawn.fold)).astype(np.int64)
    order = -drawn.fold.layer if drawn.tree.layered else drawn.fold.layer
    for item in np.argsort(order, kind="stable").tolist():
        node, count = int(drawn.fold.first[item]), int(drawn.fold.count[item])
        kind, name = Kind(drawn.topology.kinds[node]), drawn.topology.names[node]
        title = name if count == 1 else f"{count:,} {TIMES} {tier_word(drawn.topology, node)}, {name} …"
        title += f", {counted(int(held[item]), 'light port')}" if held[item] else ""
        yield f"<g><title>{escape(title)}</title>"
        if count > 1:
            yield stack(drawn, item, colours[item], kind)
        elif kind == Kind.HOST:
            yield host(drawn, item, name, labels, int(held[item]))
        else:
            yield box(drawn, item, name, colours[item], labels)
        yield "</g>\n"


def _legend(entries: list[Entry], y: float) -> Iterator[str]:
    """Draw the legend: one entry per tier, with its number of nodes."""
    x = MARGIN
    for entry in entries:
        text = f"{entry.word} · {entry.count:,}"
        css, corner = (' class="host"', 6.0) if entry.kind == Kind.HOST else ("", 3.5)
        square = f'x="{x:.0f}" y="{y - 10:.0f}" width="12" height="12" rx="{corner}"'
        yield f'<rect{css} fill="{entry.colour}" {square}/>'
        yield f'<text class="k" x="{x + 19:.0f}" y="{y:.0f}">{escape(text)}</text>\n'
        x += 19 + len(text) * 6.7 + 26
