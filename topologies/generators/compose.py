"""Several topologies joined by links.

topology:
  compose:
    east: {generator: fat-tree, k: 4}
    west: {generator: leaf-spine}
  links: [[east.c1, west.spine1], [east.c2, west.spine2, {bandwidth: 1 Gbit}]]

Node s1 of the part `east` is `east.s1`. A part may be anything that can stand under `topology:`,
another `compose` too (`east.north.s1`).
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
from topologies.spec.given import Links
from topologies.spec.merge import merged_link
from topologies.spec.section import EmptyIfNull
from topologies.spec.wrong import checked
from topologies.spelling import nearest
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
        """Find links to parts that aren't there even where something else is wrong as well."""
        return checked(data, handler, list(_bad_ends(data)) if isinstance(data, dict) else [])

    def node_estimate(self) -> int:
        """Return the nodes made besides those of the parts, which are counted by their own params: none."""
        return 0

    def link_estimate(self) -> int:
        """Return how many links there are between the parts."""
        return len(self.links)


def _bad_ends(data: dict[str, Any]) -> Iterator[tuple[Loc, str]]:
    parts, links = data.get("compose"), data.get("links")
    if not isinstance(parts, dict) or not isinstance(links, list):
        return
    for at, link in enumerate(links):
        if not isinstance(link, list) or len(link) not in (2, 3):
            continue  # its form is wrong, which its own model says
        first, second = link[:2]
        for i, given in ((0, first), (1, second)):
            end = str(given) if type(given) is int else given  # a whole number is a name as it stands
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

    Raises ParameterError for each link to a node that isn't there, and for names grown too long.
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
    """Raise ParameterError when a name would be longer than a node's name may be."""
    length = len(key) + 1 + names.longest()
    if length > LONGEST_NAME:
        raise ParameterError(
            loc,
            f"a name in it would have {length} characters with `{key}.` in front, the most is "
            f"{LONGEST_NAME}; give the part a shorter name",
        )


def _ends(params: Params, parts: Mapping[str, Topology], loc: Loc) -> I64:
    """Return both ends of each link as indices of the whole (int64[m, 2])."""
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
