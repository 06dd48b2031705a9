"""Networks described in Python: a mapping like a topology file, a networkx graph, or a finished topology.

They end as the same `Document` as a file. Errors name the path of a value; there is no line to name.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, Union

import numpy as np
from pydantic import ConfigDict

from topologies.build import build
from topologies.errors import Loc, ParameterError
from topologies.families import Context, GeneratorParams
from topologies.known_errors import known_errors
from topologies.source import Source
from topologies.spec.load import Document, document_of, load
from topologies.spec.model import Spec
from topologies.spec.validate import Found, validated
from topologies.topology import Topology

if TYPE_CHECKING:
    import networkx as nx

Describes: TypeAlias = Union[Path, str, Mapping[str, Any], "nx.Graph[Any]", Topology, "Description"]
"""What describes a network: the path of a file, a mapping like one, a graph, a finished topology."""

_NETWORK = "network"
_NAMELESS = "graph"
"""Name of a network whose graph has none."""


class Params(GeneratorParams):
    """A graph of networkx, in the place of `topology:`."""

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid", frozen=True)

    graph: Any

    def node_estimate(self) -> int:
        """Return the number of nodes."""
        return int(self.graph.number_of_nodes())

    def link_estimate(self) -> int:
        """Return the number of edges."""
        return int(self.graph.number_of_edges())


def generate(params: Params, context: Context) -> Topology:
    """Return the graph as a topology; ParameterError for attributes that can't be read."""
    from topologies.formats.assemble import assemble  # most networks come from files
    from topologies.formats.graph import FormatError
    from topologies.formats.import_options import Options
    from topologies.formats.networkx_graph import read

    try:
        return assemble(read(params.graph), Options())
    except FormatError as error:
        raise ParameterError(context.loc, f"the networkx graph {error}") from error


@dataclass
class PythonSource(Source):
    """Data without a text: a problem has the path of its value only."""

    start: ClassVar[tuple[int, int]] = (0, 0)

    def _marks(self, wanted: frozenset[Loc] | None) -> dict[Loc, tuple[int, int]]:
        return {(): (0, 0)} | {loc[:1]: (0, 0) for loc in wanted or ()}


@dataclass(frozen=True)
class Description:
    """A described network: its document (the settings), and the topology built from it."""

    document: Document
    topology: Topology

    @property
    def name(self) -> str:
        """Name of the network."""
        return self.topology.name

    @property
    def file(self) -> str:
        """The absolute path of its file; empty if there is none, as for standard input."""
        source = self.document.source
        if isinstance(source, PythonSource):
            return ""
        path = Path(source.file).resolve()
        return str(path) if path.is_file() else ""


def describe(given: Describes) -> Description:
    """Return the description of a network; raise InputError with every problem found.

    Relative paths in a mapping start from the current directory. A mapping's `topology` may be a networkx
    graph; a bare graph has the settings of an empty file.
    """
    if isinstance(given, Description):
        return given
    if isinstance(given, Topology):
        name = given.name or _NAMELESS
        document = Document(
            Spec(name=name, topology={}), data_source({"name": name}, _NETWORK), GeneratorParams()
        )
        return Description(document, given)
    if isinstance(given, str | PurePath):
        document = load(Path(given), known_errors)
    elif isinstance(given, Mapping):
        document = _document(data_source(given, _NETWORK))
    elif _is_graph(given):
        data = {"name": given.name or _NAMELESS, "topology": given}
        document = _document(data_source(data, _NETWORK))
    else:
        kind = type(given).__name__
        raise ParameterError(
            (), f"a value of type {kind} describes no network; give a path, a dict or a networkx graph"
        )
    return Description(document, build(document))


def data_source(data: Mapping[str, Any], what: str) -> PythonSource:
    """Return the source of `data` that a Python program gives; errors call it `what`."""
    return PythonSource(f"{what} described in Python", Path.cwd(), "", _plain(data))


def _document(source: PythonSource) -> Document:
    data, graph = source.data, source.data.get("topology")
    if not _is_graph(graph):
        return document_of(source, known_errors)
    problems: Found = []
    spec = validated(Spec, {**data, "topology": {}}, (), problems)
    if spec is None:
        raise source.input_error(problems)
    return Document(spec, source, Params(graph=graph))


def _is_graph(value: Any) -> bool:
    """Return whether `value` is a networkx graph; it can't be one if nobody loaded networkx."""
    networkx = sys.modules.get("networkx")
    return networkx is not None and isinstance(value, networkx.Graph)


def _plain(value: Any) -> Any:
    """Return `value` as a file's data would be: dicts, lists, texts and Python's own numbers."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, PurePath):
        return str(value)
    return value.item() if isinstance(value, np.generic) else value
