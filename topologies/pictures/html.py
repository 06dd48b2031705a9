"""Interactive picture of a topology as one HTML file, which works offline and loads nothing.

Pan, zoom, find by name or address, fold and unfold groups, hover for addresses and link limits. The
page holds up to a few thousand nodes one by one; in larger graphs the innermost groups are stacks,
whose names are still found since they follow formulas.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from topologies.html_page import page
from topologies.pictures.data import page_data
from topologies.topology import Topology

_HERE = Path(__file__).parent
_BODY = """\
<svg id="view" role="img" aria-label="{title}: {counts}"></svg>
<header><h1>{title}</h1><p>{counts}</p></header>
<div class="bar">
<div style="position:relative"><div id="hits"></div>
<input id="find" type="search" placeholder="Find a node  ( / )" aria-label="Find a node" autocomplete="off">
</div>
<button id="fold" class="wide">Fold all</button>
<button id="unfold" class="wide">Unfold all</button>
<button id="fit" title="Show all (0)">Fit</button><button id="theme" title="Light or dark">◐</button>
</div>
<div id="legend"></div>
<div id="hint">drag to move · wheel to zoom · click a stack to unfold it</div>
<div id="side"></div><div id="tip"></div>"""


def html(topology: Topology) -> str:
    """Return the page; names stand in it as data only, so no name is ever markup or code."""
    data = page_data(topology)
    title = topology.name or "topology"
    return page(
        title,
        _BODY.format(title=escape(title), counts=escape(data["counts"])),
        data,
        css=(_HERE / "viewer.css").read_text(encoding="utf-8"),
        script=(_HERE / "viewer.js").read_text(encoding="utf-8"),
    )
