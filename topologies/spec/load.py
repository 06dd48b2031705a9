"""Load a topology file: YAML -> `Spec`, with all errors at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from topologies.errors import InputError, Loc, ParameterError, ParametersError, Problem
from topologies.families import (
    GENERATORS,
    WAYS,
    Generator,
    GeneratorParams,
    generator_module,
    way_module,
    way_of,
)
from topologies.source import Source, parse, read
from topologies.spec.explain import shown
from topologies.spec.model import Spec
from topologies.spec.validate import Found, validated
from topologies.suggestions import nearest

_EXAMPLE = "{generator: tree, depth: 2, fanout: 4}"
_FOREIGN = (".py", ".graphml", ".xml", ".edges", ".edgelist", ".gml", ".clab.yml", ".clab.yaml")
"""Suffixes of files that people give in the place of a topology file; JSON is YAML."""
_START = "start with `name:` and `topology:`"


@dataclass
class Document:
    """Valid topology file: its `spec`, the params of its topology, and its source for later errors.

    `children` holds the params of nested topologies (`compose`, `underlay`) by path.
    """

    spec: Spec
    source: Source
    params: GeneratorParams
    children: dict[Loc, GeneratorParams] = field(default_factory=dict)

    def error(self, error: ParameterError) -> InputError:
        """Return the input error with the place in the file that `error` comes from.

        A composed node is `east.h1` in the graph; in the file it is `h1` of the part `east`.
        """
        errors = error.errors if isinstance(error, ParametersError) else (error,)
        placed = [ParameterError(self._in_its_part(one.loc), one.message) for one in errors]
        return self.source.error(ParametersError(placed))

    def _in_its_part(self, loc: Loc) -> Loc:
        if loc[:2] != ("topology", "nodes") or len(loc) < 3:
            return loc
        path: Loc = ("topology",)
        name = str(loc[2])
        while True:
            parts = (str(child[-1]) for child in self.children if child[:-1] == (*path, "compose"))
            part = next((part for part in parts if name.startswith(f"{part}.")), None)
            if part is None:
                return self._in_generator(path) or (*path, "nodes", name, *loc[3:])
            path, name = (*path, "compose", part), name[len(part) + 1 :]

    def _in_generator(self, path: Loc) -> Loc | None:
        """Return the place of what makes the nodes at `path`, if the file doesn't list them."""
        data: Any = self.source.data
        for key in path:
            data = data[key]
        way = way_of(data) if isinstance(data, dict) else None
        return None if way in {None, "nodes"} else (*path, str(way))


More = Callable[[Source, Found], list[Problem]]
"""Function that returns what else is wrong in a file with errors of its values."""


def load(path: Path | str, more: More | None = None) -> Document:
    """Load the topology file at `path`; raise InputError with every problem found, and those of `more`."""
    if foreign := _foreign(Path(path)):
        raise InputError([Problem(str(path), 0, 0, "", foreign)])
    source = read(path, look=_wrong)
    try:
        return document_of(source, more)
    except InputError as error:
        if words := _instead(source.data, Path(path)):
            raise InputError([Problem(str(path), 0, 0, "", words)]) from error
        raise


def _instead(data: Any, path: Path) -> str:
    """Return what to do with a document that is something else than a topology file; empty if it is none."""
    if not isinstance(data, dict):
        return ""
    if "topology" not in data and isinstance(data.get("steps"), list):
        return f"is a stress scenario; `emulator stress {path.name} --up FILE` runs it on the network of FILE"
    if isinstance(data.get("nodes"), list) and "directed" in data:
        return f"is a graph; {_imported(path)}"
    program = _lab_of(data)
    return f"is a file of {program}; {_imported(path)}" if program else ""


def _lab_of(data: dict[str, Any]) -> str:
    """Return the program whose lab a document is that isn't ours; empty if it is none."""
    topology = data.get("topology")
    if topology is None:
        nodes = data.get("nodes")
        named = isinstance(nodes, list) and bool(nodes) and all(isinstance(node, str) for node in nodes)
        return "netlab" if (named and "links" in data) or isinstance(nodes, dict) else ""
    links = topology.get("links") if isinstance(topology, dict) else None
    found = [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    return "containerlab" if any("endpoints" in link for link in found) else ""


def _imported(path: Path) -> str:
    return f"write a file with `name:` and `topology: {{file: {path.name}}}`"


def _foreign(path: Path) -> str | None:
    """Return what to write instead of the path of a program, or of a graph of another format."""
    name = path.name.lower()
    if not name.endswith(_FOREIGN) or not path.is_file():
        return None
    if name.endswith(".py"):
        return (
            f"is a Python program; for its Mininet topology write a file with `name:` and "
            f"`topology: {{mininet: {path.name}}}`; a script that calls `emulator.up` is run by python"
        )
    return f"is a graph; {_imported(path)}"


def load_text(text: str, file: str = "<text>", folder: Path | None = None) -> Document:
    """Load a topology from YAML text."""
    return document_of(parse(text, file, folder, look=_wrong))


def document_of(source: Source, more: More | None = None) -> Document:
    """Return the document of data that was read already; raise InputError with every problem found.

    `more` tells what else is wrong in a file with errors of its values.
    """
    if not isinstance(source.data, dict):
        raise source.input_error(_wrong(source.data))
    problems: Found = []
    children: dict[Loc, GeneratorParams] = {}
    spec, params = _parts(source.data, problems, children)
    if problems or spec is None or params is None:
        found = source.input_error(problems)
        raise found if more is None else InputError([*found.problems, *more(source, problems)])
    return Document(spec, source, params, children)


def _wrong(data: Any) -> Found:
    """Return the errors in the data of a file that may not be read to its end yet."""
    if not isinstance(data, dict):
        return [((), f"must be a mapping (key: value), not {shown(data)}; {_START}")]
    problems: Found = []
    _parts(data, problems, {})
    return problems


def _parts(
    data: dict[str, Any], problems: Found, children: dict[Loc, GeneratorParams]
) -> tuple[Spec | None, GeneratorParams | None]:
    """Return the spec of a file, and the params of its topology."""
    spec = validated(Spec, data, (), problems)
    if "topology" not in data:
        return spec, None
    return spec, _topology(data["topology"], ("topology",), problems, children)


def _topology(
    data: Any, loc: Loc, problems: Found, children: dict[Loc, GeneratorParams]
) -> GeneratorParams | None:
    """Validate the value of `topology:` by the model of the way it uses."""
    module = _module(data, loc, problems)
    if module is None:
        return None
    params = validated(module.Params, data, loc, problems)
    for path, child in _nested(data, loc):
        made = _topology(child, path, problems, children)
        if made is not None:
            children[path] = made
    return params


def _nested(data: dict[str, Any], loc: Loc) -> list[tuple[Loc, Any]]:
    """Return the path and the data of each topology inside this one."""
    if isinstance(data.get("compose"), dict):
        return [((*loc, "compose", key), child) for key, child in data["compose"].items()]
    if data.get("generator") == "vpc" and data.get("underlay") is not None:
        return [((*loc, "underlay"), data["underlay"])]
    return []


def _module(data: Any, loc: Loc, problems: Found) -> Generator | None:
    """Return the module that `topology:` selects, or None with the problem noted."""
    way = way_of(data) if isinstance(data, dict) else None
    if way is None:
        problems.append((loc, _no_way(data)))
        return None
    others = [key for key in WAYS if key in data and key != way]
    if others:
        problems.append(((*loc, others[0]), f"can't be combined with `{way}`; keep one of the two"))
        return None
    if way != "generator":
        return way_module(way)
    name = data["generator"]
    if isinstance(name, str) and name in GENERATORS:
        return generator_module(name)
    words = (
        f"{shown(name)} is not a generator; {nearest(name if isinstance(name, str) else '', GENERATORS, 30)}"
    )
    problems.append(((*loc, "generator"), words))
    return None


def _no_way(data: Any) -> str:
    """Return the message for a `topology:` that selects neither a generator nor any other way."""
    if isinstance(data, str) and data in GENERATORS:
        return f"must be a mapping; write `{{generator: {data}}}`"
    if not isinstance(data, dict):
        return f"must be a mapping, not {shown(data)}; write for example `{_EXAMPLE}`"
    return f"needs one of the keys {', '.join(WAYS)}; write for example `generator: tree`"
