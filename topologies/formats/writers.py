"""The formats that a topology can be written in; importing this table imports no writer."""

from __future__ import annotations

WRITERS: dict[str, str] = {
    "graphml": "write_graphml",
    "json": "write_json",
    "dot": "write_dot",
    "mininet": "write_mininet",
}
"""Format -> module of this package with `chunks(topology) -> Iterator[str]`."""
