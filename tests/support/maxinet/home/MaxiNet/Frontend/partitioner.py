"""Stand-in for MaxiNet's partitioner, our own code: parts that were cut by the caller."""

from __future__ import annotations

from typing import Any


class Clustering:
    """Topologies of the workers, and the tunnels between them."""

    def __init__(self, topologies: list[Any], tunnels: list[Any]) -> None:
        self.topos = topologies
        self.tunnels = tunnels
