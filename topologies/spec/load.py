"""Load a topology file: YAML -> `Spec`, all that is wrong said at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from topologies.errors import InputError, Problem
from topologies.families import GENERATORS, WAYS, GeneratorParams, generator_module, way_module, way_of
from topologies.source import Loc, Source, parse, read
from topologies.spec.document import Spec
from topologies.spec.explain import nearest, problems_of

Model = TypeVar("Model", bound=BaseModel)


@dataclass
class Document:
    """A valid file: its `spec`, the params of its topology, and its source for later errors.

    `children` holds the params of composed topologies by their path.
    """

    spec: Spec
    source: Source
    params: GeneratorParams
    children: dict[Loc, GeneratorParams] = field(default_factory=dict)


def load(path: Path | str) -> Document:
    """Load the topology file at `path`; raise InputError with every problem found."""
    return _document(read(path))


def load_text(text: str, file: str = "<text>", folder: Path | None = None) -> Document:
    """Load a topology from YAML text."""
    return _document(parse(text, file, folder))


def _document(source: Source) -> Document:
    if not isinstance(source.data, dict):
        raise InputError(
            [source.problem((), "must be a mapping (key: value); start with `name:` and `topology:`")]
        )
    problems: list[Problem] = []
    spec = _validated(Spec, source.data, (), source, problems)
    children: dict[Loc, GeneratorParams] = {}
    params = None
    if "topology" in source.data:
        params = _topology(source.data["topology"], ("topology",), source, problems, children)
    if problems or spec is None or params is None:
        raise InputError(problems)
    return Document(spec, source, params, children)


def _validated(
    model: type[Model], data: Any, loc: Loc, source: Source, problems: list[Problem]
) -> Model | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems += [source.problem(loc + path, words) for path, words in problems_of(error, model)]
        return None


def _topology(
    data: Any, loc: Loc, source: Source, problems: list[Problem], children: dict[Loc, GeneratorParams]
) -> GeneratorParams | None:
    """Validate what stands under `topology:` by the model of the way it uses."""
    way = way_of(data) if isinstance(data, dict) else None
    if way is None:
        problems.append(source.problem(loc, f"must be a mapping with one of the keys: {', '.join(WAYS)}"))
        return None
    if way == "generator":
        name = data["generator"]
        if name not in GENERATORS:
            problems.append(
                source.problem(
                    (*loc, "generator"), f"`{name}` is not known; {nearest(str(name), GENERATORS)}"
                )
            )
            return None
        module = generator_module(name)
    else:
        module = way_module(way)
    params = _validated(module.Params, data, loc, source, problems)
    if way == "compose" and isinstance(data["compose"], dict):
        for key, child in data["compose"].items():
            path = (*loc, "compose", key)
            made = _topology(child, path, source, problems, children)
            if made is not None:
                children[path] = made
    return params
