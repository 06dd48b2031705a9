"""Errors of building that are known although some of the file is invalid: all are told in one run."""

from __future__ import annotations

from dataclasses import replace

from topologies.build import build, generated
from topologies.errors import InputError, ParameterError, ParametersError, Problem
from topologies.overrides import apply_links, apply_nodes, pinned_nodes
from topologies.source import Source
from topologies.spec.load import Document, document_of
from topologies.spec.model import Spec
from topologies.spec.validate import Found

_LARGE = 200_000
"""Nodes from which on nothing is built for the errors of an invalid file: it would take seconds."""
_WITHOUT_EFFECT = frozenset({"name"})
"""Keys that building doesn't depend on."""


def known_errors(source: Source, problems: Found) -> list[Problem]:
    """Return the errors of building that are true whatever the values at `problems` will be.

    The sections with problems are left out, and what depends on them isn't judged.
    """
    wrong = {loc[0] if loc else "" for loc, _ in problems}
    if wrong & {"", "topology", "seed"} or "topology" not in source.data:
        return []
    data = {"name": "unnamed"} | {key: value for key, value in source.data.items() if key not in wrong}
    try:
        document = document_of(replace(source, data=data))
    except InputError:
        return []
    if document.params.node_estimate() > _LARGE:
        return []
    missing = {str(key) for key in wrong} - _WITHOUT_EFFECT
    if missing - set(Spec.model_fields) and "nodes" not in data:
        missing.add("nodes")  # an unknown key may be a misspelt one
    try:
        if missing:
            _build_some(document, missing)
        else:
            build(document)
    except ParameterError as error:
        return document.error(error).problems
    except InputError as error:
        return error.problems
    return []


def _build_some(document: Document, missing: set[str]) -> None:
    """Raise ParameterError for what is wrong with the parts that don't depend on the keys `missing`."""
    spec, topology = document.spec, generated(document)
    if "nodes" in missing:
        return
    errors: list[ParameterError] = []
    with ParametersError.collect(errors):
        topology = apply_nodes(topology, spec.nodes)
    with ParametersError.collect(errors):
        apply_links(topology, spec.links)
    with ParametersError.collect(errors):
        pinned_nodes(topology, spec.placement)
    ParametersError.raise_any(errors)
