"""Errors that a validator places itself: at a key below its own value, or several at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from topologies.errors import Loc

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
