"""Loops of learning switches, in which packets would multiply until ports leave. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Document = dict[str, Any]


def learns(node: Document) -> bool:
    """Return whether a switch floods by itself: no controller and no flows tell it what to do."""
    return node["kind"] == "bridge" or (
        node["kind"] == "ovs" and node.get("failMode") == "standalone" and not node.get("controllers")
    )


def has_loop(switches: set[str], links: Sequence[Document]) -> bool:
    """Return whether the links that are up between `switches` close a loop."""
    parent = {name: name for name in switches}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = name = parent[parent[name]]
        return name

    for link in links:
        a, b = (end["node"] for end in link["ends"])
        if a not in parent or b not in parent or not link["ends"][0]["up"]:
            continue
        if (first := root(a)) == (second := root(b)):
            return True
        parent[first] = second
    return False
