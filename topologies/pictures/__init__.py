"""Pictures of topologies: `svg(topology)` for documents, `html(topology)` to look around in.

`layers` finds the tiers, `fold` folds large graphs into stacks, `row_layout` and `force_layout` place
the items; `svg` and `html` draw. Everything is deterministic: the same topology gives the same bytes.
"""

from topologies.pictures.html import html
from topologies.pictures.svg import svg

__all__ = ["html", "svg"]
