"""Topology from a file of another program: `topology: {file: AttMpls.graphml, hosts_per_node: 1}`.

The path is relative to the YAML file. `format:` or else the suffix decides the format; of YAML its
content does. Imported nodes of graphs are switches unless the file states a `kind` (host, switch or
router). Link attributes named as in `links:` (bandwidth, delay, loss, …) are imported; bare numbers are in
bit/s and seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import Field

from topologies.errors import ParameterError
from topologies.families import Context, GeneratorParams
from topologies.formats.assemble import assemble
from topologies.formats.graph import MAX_BYTES, FormatError, Graph
from topologies.formats.import_options import Options
from topologies.formats.lab import read_yaml
from topologies.topology import Topology

SUFFIXES = {
    ".graphml": "graphml",
    ".xml": "graphml",
    ".json": "json",
    ".edges": "edges",
    ".edgelist": "edges",
    ".txt": "edges",
    ".gml": "gml",
}
"""File suffix -> format."""

_YAML = (".yml", ".yaml")

READERS = {
    "graphml": "graphml",
    "json": "node_link",
    "edges": "edge_list",
    "gml": "gml",
    "containerlab": "containerlab",
    "netlab": "netlab",
}
"""Format -> module of this package with `read(file) -> Graph`."""


class Params(GeneratorParams):
    """Keys of a topology read from a file."""

    file: Annotated[str, Field(min_length=1, description="Path, relative to this file")]
    format: Literal["graphml", "json", "edges", "gml", "containerlab", "netlab"] | None = Field(
        None, description="Format; default: by suffix, of YAML by content"
    )
    hosts_per_node: Annotated[int, Field(ge=0, le=100_000)] = Field(
        0, description="Hosts h1… on each imported switch and router"
    )
    delay_from: str | None = Field(
        None, description="`coordinates` (great circle / (2/3 c)), or an edge attribute in seconds"
    )
    bandwidth_from: str | None = Field(
        None, description="An edge attribute in bit/s, e.g. the Topology Zoo's LinkSpeedRaw"
    )
    external: Literal["keep", "drop"] = Field("keep", description="Nodes that the Zoo marks Internal = 0")
    self_loops: Literal["refuse", "drop"] = "refuse"

    def node_estimate(self) -> int:
        """Return 1: reading the file tells the number of nodes, and bounds it."""
        return 1


def generate(params: Params, context: Context) -> Topology:
    """Return the imported graph; ParameterError at `file` when it is unreadable or malformed."""
    loc = (*context.loc, "file")
    path = context.folder / params.file
    suffix = path.suffix.lower()
    word = params.format or SUFFIXES.get(suffix)
    if word is None and suffix not in _YAML:
        known = ", ".join((*SUFFIXES, *_YAML))
        raise ParameterError(loc, f"`{path.name}` has none of the suffixes {known}; add `format:`")
    options = Options(
        hosts_per_node=params.hosts_per_node,
        delay_from=params.delay_from,
        bandwidth_from=params.bandwidth_from,
        drop_external=params.external == "drop",
        drop_self_loops=params.self_loops == "drop",
    )

    def read(file: BinaryIO) -> Graph:
        reader = READERS[word or _lab_of(file)]
        found: Graph = import_module(f"topologies.formats.{reader}").read(file)
        return found

    try:
        graph = _open(path, read)
        return replace(assemble(graph, options), notes=graph.notes_of(params.file))
    except FormatError as error:
        place = f"{params.file}:{error.line}" if error.line else params.file
        raise ParameterError(loc, f"{place}: {error}") from error
    except OSError as error:
        raise ParameterError(loc, f"`{params.file}` can't be read: {error.strerror}") from error


def _lab_of(file: BinaryIO) -> str:
    """Return the format of a YAML file: only containerlab's has its nodes in `topology`."""
    data = read_yaml(file)
    file.seek(0)
    if isinstance(data.get("topology"), dict):
        return "containerlab"
    if "nodes" in data:
        return "netlab"
    words = "is YAML, but neither containerlab's (`topology: {nodes: …}`) nor netlab's (`nodes: …`)"
    raise FormatError(words)


def _open(path: Path, read: Callable[[BinaryIO], Graph]) -> Graph:
    """Return the graph in the regular file at `path`; pipes and devices are refused."""
    if not path.exists():
        raise FormatError("there is no such file; paths are relative to the YAML file")
    if not path.is_file():
        raise FormatError("is not a file; give the path of one")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise FormatError(f"is {size >> 20:,} MiB; the maximum is {MAX_BYTES >> 20:,} MiB")
    if size == 0:
        raise FormatError("is empty; is it the right file?")
    with path.open("rb") as file:
        return read(file)
