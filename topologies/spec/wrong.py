"""Errors that a validator places itself: at a key below its own value, or several at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ModelWrapValidatorHandler, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from topologies.errors import Loc

Model = TypeVar("Model")

WRONG = "wrong"
"""Type of the errors made here; their context holds the words, under `words`."""


def _detail(loc: Loc, words: str) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError(WRONG, "{words}", {"words": words}), loc=loc, input=None)


def wrong(problems: Iterable[tuple[Loc, str]]) -> ValidationError:
    """Return the error that puts each of `problems` at its path; paths start from the value validated."""
    return ValidationError.from_exception_data("topology file", [_detail(*problem) for problem in problems])


def joined(error: ValidationError, problems: Iterable[tuple[Loc, str]]) -> ValidationError:
    """Return `error` with `problems` added."""
    known: list[InitErrorDetails] = []
    for detail in error.errors(include_url=False):
        kind: Any = detail["type"]
        context = detail.get("ctx", {})
        if kind == WRONG:
            known.append(_detail(detail["loc"], str(context["words"])))
            continue
        known.append(InitErrorDetails(type=kind, loc=detail["loc"], input=detail["input"], ctx=context))
    added = [_detail(*problem) for problem in problems]
    return ValidationError.from_exception_data("topology file", [*known, *added])


def checked(data: Any, handler: ModelWrapValidatorHandler[Model], problems: list[tuple[Loc, str]]) -> Model:
    """Return what `handler` makes of `data`; ValidationError for what it finds and `problems` together."""
    try:
        made = handler(data)
    except ValidationError as error:
        raise joined(error, problems) from None
    if problems:
        raise wrong(problems)
    return made
