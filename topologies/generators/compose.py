"""Composition of several topologies by links.

topology:
  compose:
    east: {generator: fat-tree, k: 4}
    west: {generator: leaf-spine}
  links: [[east.c1, west.spine1], [east.c2, west.spine2, {bandwidth: 1 Gbit}]]

Node s1 of the part `east` is `east.s1`. A part may be anything that `topology:` accepts, even
another `compose` (`east.north.s1`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, Field, ModelWrapValidatorHandler, model_validator

from topologies.errors import Loc, ParameterError, ParametersError, shortened
from topologies.families import Context, GeneratorParams
from topologies.names import Names
from topologies.profiles import LinkProfile
from topologies.spec.explicit import Links
from topologies.spec.located_errors import checked
from topologies.spec.merge import merged_link
from topologies.spec.section import EmptyIfNull
from topologies.suggestions import nearest
from topologies.topology import I64, Topology
from topologies.union import union

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)
LONGEST_NAME = 63


def _part_name(value: str) -> str:
    if not _PART.fullmatch(value):
        raise ValueError(
            "is not a part's name; use A-Z, a-z, 0-9, `_` and `-`, with a letter or a digit first, "
            "32 characters at most"
        )
    return value


PartName = Annotated[str, AfterValidator(_part_name)]


class Params(GeneratorParams):
    """Keys of a topology composed of others."""

    compose: Annotated[dict[PartName, Any], EmptyIfNull(dict), Field(min_length=1)] = Field(
        description="Name of each part -> its topology", examples=["{east: {generator: single}}"]
    )
    links: Links = Field(
        [],
        description="[part.node, part.node] or [part.node, part.node, {properties}]",
        examples=["[[east.s1, west.s1]]"],
    )

    @model_validator(mode="wrap")
    @classmethod
    def _parts_agree(cls, data: Any, handler: ModelWrapValidatorHandler[Params]) -> Params:
        """Report links to missing parts together with all other errors."""
        return checked(data, handler, list(_bad_ends(data)) if isinstance(data, dict) else [])

    def node_estimate(self) -> int:
        """Return 0: the params of the parts count their own nodes."""
        return 0

    def link_estimate(self) -> int:
        """Return the number of links between the parts."""
        return len(self.links)


def _bad_ends(data: dict[str, Any]) -> Iterator[tuple[Loc, str]]:
    parts, links = data.get("compose"), data.get("links")
    if not isinstance(parts, dict) or not isinstance(links, list):
        return
    for at, link in enumerate(links):
        if not isinstance(link, list) or len(link) not in (2, 3):
            continue  # malformed: its own model reports it
        first, second = link[:2]
        for i, value in ((0, first), (1, second)):
            end = str(value) if type(value) is int else value  # a whole number is a name too
            if not isinstance(end, str):
                continue
            part, dot, node = end.partition(".")
            example = next(iter(parts), "east")
            if not dot or not node:
                yield (
                    ("links", at, i),
                    f"`{shortened(end)}` names no part; write <part>.<node>, for example {example}.s1",
                )
            elif part not in parts:
                yield ("links", at, i), f"there is no part `{shortened(part)}`; {nearest(part, parts)}"
        if isinstance(first, str) and first == second:
            yield ("links", at), f"`{shortened(first)}` can't be linked to itself; name two nodes"


def generate(params: Params, context: Context) -> Topology:
    """Return all parts as one topology, with the links between them.

    Raises ParameterError for each link to an unknown node, and for names that get too long.
    """
    parts: dict[str, Topology] = {}
    for key in params.compose:
        path = (*context.loc, "compose", key)
        parts[key] = context.make(context.children[path], path)
        _check_names(parts[key].names, key, path)
    ends = _ends(params, parts, context.loc)
    profiles = [merged_link(options, LinkProfile(), reverse=False) for _, _, options in params.links]
    return union(parts, ends, profiles)


def _check_names(names: Names, key: str, loc: Loc) -> None:
    """Raise ParameterError when a prefixed name is too long."""
    length = len(key) + 1 + names.longest()
    if length > LONGEST_NAME:
        raise ParameterError(
            loc,
            f"a name in it would have {length} characters with `{key}.` in front; the maximum is "
            f"{LONGEST_NAME}; give the part a shorter name",
        )


def _ends(params: Params, parts: Mapping[str, Topology], loc: Loc) -> I64:
    """Return both ends of each link as indices in the composition (int64[m, 2])."""
    starts = dict(zip(parts, np.cumsum([0, *(p.node_count for p in parts.values())]).tolist(), strict=False))
    errors: list[ParameterError] = []
    ends = np.zeros((len(params.links), 2), dtype=np.int64)
    for at, link in enumerate(params.links):
        for i, name in enumerate(link[:2]):
            key, _, node = str(name).partition(".")
            found = parts[key].names.find(node)
            if found is None:
                known = list(islice(parts[key].names, 1001))
                words = f"there is no node `{shortened(node)}` in `{key}`; {nearest(node, known)}"
                errors.append(ParameterError((*loc, "links", at, i), words))
            else:
                ends[at, i] = starts[key] + found
    ParametersError.raise_any(errors)
    return ends
