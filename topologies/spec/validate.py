"""Validate data of a file by a model."""

from __future__ import annotations

from itertools import islice
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from topologies.errors import MAX_FOUND, Loc
from topologies.spec.explain import problems_of

Model = TypeVar("Model", bound=BaseModel)
Found = list[tuple[Loc, str]]
"""Errors as (path in the file, message)."""


def validated(model: type[Model], data: Any, loc: Loc, problems: Found) -> Model | None:
    """Return `data`, found at `loc` of a file, as a `model`; or None, and append to `problems`."""
    data = _without_most_unknown(model, data)
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems += [(loc + path, words) for path, words in problems_of(error, model, data)]
        return None


def _without_most_unknown(model: type[BaseModel], data: Any) -> Any:
    """Return a mapping without most of its unknown keys, when there are more than anybody reads.

    pydantic makes an error of a hundred bytes and more for each.
    """
    if not isinstance(data, dict) or len(data) <= MAX_FOUND + len(model.model_fields):
        return data
    known = {key: data[key] for key in model.model_fields if key in data}
    unknown = islice((key for key in data if key not in known), MAX_FOUND)
    return {**known, **{key: data[key] for key in unknown}}
