"""Turn pydantic's errors into words that say what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_LIMITS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
}


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean `x`?" for the known word nearest to `word`, or the list of them."""
    words = list(known)
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else f"use one of: {', '.join(words)}"


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[tuple[tuple[str | int, ...], str]]:
    """Return (path, words) for every error that pydantic found validating `model`."""
    return [(detail["loc"], _words(detail, model)) for detail in error.errors(include_url=False)]


def _keys_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    """Return the keys allowed where `loc` stands, by walking the model's annotations."""
    current: Any = model
    for step in loc:
        if isinstance(step, int) or not (isinstance(current, type) and issubclass(current, BaseModel)):
            continue
        field = current.model_fields.get(str(step))
        found = _model_in(field.annotation) if field else None
        current = found or current
    return list(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found:
            return found
    return None


def _words(  # noqa: PLR0911 -- a table of cases reads better than nested ones
    detail: ErrorDetails, model: type[BaseModel]
) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key; {nearest(str(detail['loc'][-1]), _keys_at(model, detail['loc'][:-1]))}"
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        choices = [w.strip(" '") for w in str(context["expected"]).replace(" or ", ", ").split(",")]
        return f"`{value}` is not known; {nearest(str(value), choices)}"
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        return f"must be {words} {context[key]}, got {value}"
    if kind in _TYPES:
        return f"must be {_TYPES[kind]}, got `{value}`"
    if kind == "string_pattern_mismatch":
        return f"`{value}` does not fit; it must match {context['pattern']}"
    if kind in {"too_short", "too_long"}:
        bound = context.get("min_length", context.get("max_length"))
        return f"must have {'at least' if kind == 'too_short' else 'at most'} {bound} items"
    message = str(detail["msg"])
    return message.removeprefix("Value error, ")
