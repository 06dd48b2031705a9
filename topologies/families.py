"""Table of the modules that make the topology under a file's `topology:`.

There are five ways: `generator:` names a family, `file:` and `mininet:` import a graph, `nodes:` lists
it explicitly, `compose:` joins several. Each way is a module with `Params` and `generate`, imported
at its first use: a command that needs one family imports one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from pydantic import BaseModel, ConfigDict

from topologies.rng import Stream
from topologies.topology import Topology

GENERATORS: dict[str, str] = {
    "single": "single",
    "linear": "linear",
    "ring": "ring",
    "star": "star",
    "mesh": "mesh",
    "tree": "tree",
    "torus": "torus",
    "hypercube": "hypercube",
    "dumbbell": "dumbbell",
    "fat-tree": "fat_tree",
    "leaf-spine": "leaf_spine",
    "core-aggregation-edge": "core_aggregation_edge",
    "vl2": "vl2",
    "bcube": "bcube",
    "dcell": "dcell",
    "jellyfish": "jellyfish",
    "erdos-renyi": "erdos_renyi",
    "barabasi-albert": "barabasi_albert",
    "waxman": "waxman",
    "region": "region",
    "vpc": "vpc",
}
"""Family name in files -> module name in `topologies.generators`."""

WAYS: dict[str, str] = {
    "generator": "",
    "file": "topologies.formats.file",
    "mininet": "topologies.formats.mininet_file",
    "nodes": "topologies.generators.custom",
    "compose": "topologies.generators.compose",
}
"""Key under `topology:` that decides the way -> module (None: the family's own)."""


class GeneratorParams(BaseModel):
    """Keys of `topology:`; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)

    def node_estimate(self) -> int:
        """Return the number of nodes, cheaply: too many are refused before they use memory."""
        raise NotImplementedError

    def link_estimate(self) -> int:
        """Return the number of links, cheaply; 0 when only the input itself can tell."""
        return 0


@dataclass(frozen=True)
class Context:
    """Inputs of a generator besides its params.

    `random` is its own stream of random numbers; relative paths start at `folder`; `make` builds a nested
    topology (for `compose` and `underlay`) from validated params and their path; `loc` is the path of
    the params in the document, for `ParameterError`; `children` are the params of all nested
    topologies of the document, by path.
    """

    random: Stream
    folder: Path
    make: Callable[[GeneratorParams, tuple[str | int, ...]], Topology]
    loc: tuple[str | int, ...] = ("topology",)
    children: Mapping[tuple[str | int, ...], GeneratorParams] = field(default_factory=dict)


class Generator(Protocol):
    """Protocol of a generator module."""

    Params: type[GeneratorParams]

    @staticmethod
    def generate(params: Any, context: Context) -> Topology:
        """Return the topology; the same params and stream give the same topology."""
        ...


def way_of(data: dict[str, Any]) -> str | None:
    """Return the key of `WAYS` that `data` uses, or None."""
    return next((way for way in WAYS if way in data), None)


def generator_module(name: str) -> Generator:
    """Return the module of the generator family `name`; KeyError if there is none."""
    return cast("Generator", import_module(f"topologies.generators.{GENERATORS[name]}"))


def module_for(params: GeneratorParams) -> Generator:
    """Return the module that `params` belong to."""
    return cast("Generator", import_module(type(params).__module__))


def way_module(way: str) -> Generator:
    """Return the module of a way other than `generator`."""
    return cast("Generator", import_module(WAYS[way]))
