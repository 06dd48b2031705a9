"""Errors with a path of their own: at a key below the validated value, or several at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ModelWrapValidatorHandler, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from topologies.errors import Loc

Model = TypeVar("Model")

WRONG = "wrong"
"""Type of these errors; their context holds the message under `words`."""


def _detail(loc: Loc, words: str) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError(WRONG, "{words}", {"words": words}), loc=loc, input=None)


def located_error(problems: Iterable[tuple[Loc, str]]) -> ValidationError:
    """Return one error for `problems`, each at its path below the validated value."""
    return ValidationError.from_exception_data("topology file", [_detail(*problem) for problem in problems])


def details_of(error: ValidationError, first: int = 0) -> list[InitErrorDetails]:
    """Return the details to rebuild `error` from; positions in a list are counted from `first`."""
    known: list[InitErrorDetails] = []
    for detail in error.errors(include_url=False):
        kind: Any = detail["type"]
        context, loc = detail.get("ctx", {}), detail["loc"]
        if first and loc and isinstance(loc[0], int):
            loc = (first + loc[0], *loc[1:])
        if kind == WRONG:
            known.append(_detail(loc, str(context["words"])))
            continue
        known.append(InitErrorDetails(type=kind, loc=loc, input=detail["input"], ctx=context))
    return known


def of_details(details: list[InitErrorDetails]) -> ValidationError:
    """Return the error made of `details`."""
    return ValidationError.from_exception_data("topology file", details)


def joined(error: ValidationError, problems: Iterable[tuple[Loc, str]]) -> ValidationError:
    """Return `error` with `problems` added."""
    return of_details([*details_of(error), *(_detail(*problem) for problem in problems)])


def checked(data: Any, handler: ModelWrapValidatorHandler[Model], problems: list[tuple[Loc, str]]) -> Model:
    """Return `handler(data)`; ValidationError for its errors and `problems` together."""
    try:
        made = handler(data)
    except ValidationError as error:
        raise joined(error, problems) from None
    if problems:
        raise located_error(problems)
    return made
