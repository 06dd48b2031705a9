"""Interactive picture of a topology as one HTML file, which works offline and loads nothing.

Pan, zoom, find by name or address, fold and unfold groups, hover for addresses and link limits. The
page holds up to a few thousand nodes one by one; in larger graphs the innermost groups are stacks,
whose names are still found since they follow formulas.
"""

from __future__ import annotations

from pathlib import Path

from topologies.html_page import page
from topologies.pictures.data import page_data
from topologies.topology import Topology

_HERE = Path(__file__).parent


def html(topology: Topology) -> str:
    """Return the page; names stand in it as data only, so no name is ever markup or code."""
    data = page_data(topology)
    return page(
        "topologies.pictures",
        "viewer.html.j2",
        topology.name or "topology",
        data,
        css=(_HERE / "viewer.css").read_text(encoding="utf-8"),
        script=(_HERE / "viewer.js").read_text(encoding="utf-8"),
        counts=data["counts"],
    )
