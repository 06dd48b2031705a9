"""Write a topology in the format of another program, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import cast

from topologies.errors import ParameterError
from topologies.formats.static_routes import Routes
from topologies.formats.writers import WRITERS
from topologies.suggestions import nearest
from topologies.topology import Topology


def chunks(topology: Topology, to: str, routes: Routes | None = None) -> Iterator[str]:
    """Yield the text of `topology` in format `to`, piece by piece, so that a million nodes fit in memory.

    `routes` are for formats that run (mininet): without them its switches don't route. ParameterError
    for an unknown format.
    """
    if to not in WRITERS:
        raise ParameterError(("to",), f"`{to}` is not known; {nearest(to, WRITERS)}")
    write = import_module(f"topologies.formats.{WRITERS[to]}").chunks
    if to == "mininet":
        return cast("Callable[[Topology, Routes | None], Iterator[str]]", write)(topology, routes)
    return cast("Callable[[Topology], Iterator[str]]", write)(topology)
