"""Translate pydantic's errors into messages that say what is wrong and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from topologies.errors import Loc, shortened
from topologies.quantities import Quantity
from topologies.spec.located_errors import WRONG
from topologies.suggestions import SYNONYMS, nearest

_LIMITS = frozenset(("greater_than_equal", "greater_than", "less_than_equal", "less_than"))
_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
}
_MODELS = frozenset(("model_type", "model_attributes_type"))
_NUMBERS = frozenset(("int_type", "int_from_float", "int_parsing_size", "float_type", "finite_number"))


def shown(value: Any) -> str:
    """Return a value of the file for a message: short, on one line."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value).lower() if isinstance(value, bool) else str(value)
    return f"`{shortened(text)}`"


def problems_of(error: ValidationError, model: type[BaseModel], data: Any) -> list[tuple[Loc, str]]:
    """Return (path, message) for every error that pydantic found in `data` by `model`."""
    out = []
    for detail in error.errors(include_url=False):
        loc = _in_file(detail["loc"], data, missing=detail["type"] == "missing")
        out.append((loc, _message(detail, loc, model)))
    return out


def _in_file(loc: Loc, data: Any, *, missing: bool) -> Loc:
    """Return the part of `loc` inside the file: pydantic appends steps of its own for keys and unions."""
    for depth, step in enumerate(loc):
        inside = (isinstance(data, dict) and step in data) or (
            isinstance(data, list) and isinstance(step, int) and step < len(data)
        )
        if not inside:
            return loc if missing and depth == len(loc) - 1 else loc[:depth]
        data = data[step]
    return loc


def _field_at(model: type[BaseModel], loc: Loc) -> FieldInfo | None:
    """Return the field that `loc` ends at, by walking the model's annotations."""
    current, found = model, None
    for step in loc:
        field = current.model_fields.get(str(step)) if isinstance(step, str) else None
        if field:
            found = field
            current = _model_in(field.annotation) or current
    return found


def _keys_at(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the keys allowed at `loc`."""
    current = model
    for step in loc:
        field = current.model_fields.get(step) if isinstance(step, str) else None
        marked = (getattr(mark, "KEYS", None) for mark in (field.metadata if field else ()))
        current = (_model_in(field.annotation) if field else None) or next(filter(None, marked), current)
    return list(current.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model inside an annotation such as `list[Model]` or `Model | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, getattr(annotation, "__args__", ()))), None)


def _bounds(part: Any) -> Iterator[tuple[str, Any]]:
    """Yield the bounds (`ge`, `gt`, `le`, `lt`) anywhere in a field or its annotation."""
    for name in ("ge", "gt", "le", "lt"):
        value = getattr(part, name, None)
        if isinstance(value, int | float):
            yield name, value
    inner = (
        *getattr(part, "metadata", ()),
        *getattr(part, "__metadata__", ()),
        *getattr(part, "__args__", ()),
    )
    for each in (*inner, getattr(part, "annotation", None)):
        if each is not None and not isinstance(each, type):
            yield from _bounds(each)


def _quantity(part: Any) -> Quantity | None:
    """Return the quantity that a field or its annotation is parsed as."""
    inner = (*getattr(part, "metadata", ()), *getattr(part, "__metadata__", ()))
    for each in inner:
        read = getattr(getattr(each, "func", None), "__self__", None)
        if isinstance(read, Quantity):
            return read
    parts = (*getattr(part, "__args__", ()), getattr(part, "annotation", None))
    return next(filter(None, map(_quantity, (each for each in parts if each is not None))), None)


def _holds_float(annotation: Any) -> bool:
    return annotation is float or any(map(_holds_float, getattr(annotation, "__args__", ())))


def _range(context: dict[str, Any], field: FieldInfo | None) -> str:
    """Return the allowed range as text, from the field or from the one bound that pydantic reports."""
    bounds = dict(_bounds(field)) if field else {}
    bounds |= {name: context[name] for name in ("ge", "gt", "le", "lt") if name in context}
    kind = "a number" if field and _holds_float(field.annotation) else "a whole number"
    text = {name: f"{b:,}" if isinstance(b, int) else f"{b:g}" for name, b in bounds.items()}
    quantity = _quantity(field)
    if quantity is not None:
        kind, text = f"a {quantity.name}", {name: quantity.text(bound) for name, bound in bounds.items()}
    low = text.get("ge") or (f"above {text['gt']}" if "gt" in text else None)
    high = text.get("le") or (f"below {text['lt']}" if "lt" in text else None)
    if low and high and "ge" in bounds:
        return (
            f"write {kind} from {low} to {high}"
            if "le" in bounds
            else f"write {kind}, {low} or more and {high}"
        )
    if low and high:
        return f"write {kind} {low}, up to {high}" if "le" in bounds else f"write {kind} {low} and {high}"
    if not low and not high:
        return "write digits only"
    if low:
        return f"write {kind} {low}" if "gt" in bounds else f"write {kind}, {low} or more"
    return f"write {kind} {high}" if "lt" in bounds else f"write {kind}, {high} or less"


def _missing(key: str, field: FieldInfo | None) -> str:
    example = field.examples[0] if field and field.examples else None
    if example is not None:
        return f"is missing; write for example `{key}: {example}`"
    about = f" ({field.description})" if field and field.description else ""
    return f"is missing; add `{key}:`{about}"


def _unknown_key(detail: ErrorDetails, model: type[BaseModel]) -> str:
    key, allowed = str(detail["loc"][-1]), _keys_at(model, detail["loc"][:-1])
    words = {name: name for name in allowed}
    words |= {other: name for other, name in SYNONYMS.items() if name in allowed and other not in words}
    close = get_close_matches(key[:80].lower(), words, n=1, cutoff=0.7)
    if close:
        return f"unknown key; did you mean `{words[close[0]]}`?"
    return f"unknown key; {nearest(key, allowed, 30)}"


def _type_message(kind: str, value: Any, field: FieldInfo | None) -> str:
    """Return the message for a value of the wrong type."""
    words = "is empty" if value is None else f"must be {_TYPES[kind]}, not {shown(value)}"
    if kind in _MODELS:
        example = getattr(_model_in(field.annotation), "EXAMPLE", "") if field else ""
        return f"{words}; write for example `{example}`" if example else words
    if isinstance(value, bool | int | float) and kind == "string_type":
        return f"{words}; put it in quotes"
    if field and field.examples:
        return f"{words}; write for example `{field.examples[0]}`"
    if kind in _NUMBERS:
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
            how = "without quotes" if str(int(value)) == value else "without leading zeros"
            return f"must be {_TYPES[kind]}, not the text {shown(value)}; write {int(value)} {how}"
        allowed = _range({}, field).replace("a whole number", "one").replace("a number", "one")
        return f"{words}; {allowed}"
    if kind == "bool_type" and value is not None:
        return f"must be true or false, not {shown(value)}"
    return words


def _count_message(detail: ErrorDetails, field: FieldInfo | None) -> str:
    """Return the message for a list or mapping with too few or too many items."""
    context = detail.get("ctx", {})
    count, least, most = context.get("actual_length"), context.get("min_length"), context.get("max_length")
    words = f"has {count} item{'' if count == 1 else 's'}; "
    words += f"at least {least} needed" if least is not None else f"{most} at most"
    return f"{words}, for example `{field.examples[0]}`" if field and field.examples else words


def _message(detail: ErrorDetails, loc: Loc, model: type[BaseModel]) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    field = _field_at(model, loc)
    if kind == WRONG:
        return str(context["words"])
    if kind == "extra_forbidden":
        return _unknown_key(detail, model)
    if kind == "missing":
        return _missing(str(loc[-1]), field)
    if kind == "literal_error":
        choices = [w.strip(" '") for w in str(context["expected"]).replace(" or ", ", ").split(",")]
        several = isinstance(value, dict | list | tuple)
        words = f"must be a word, not {shown(value)}" if several else f"{shown(value)} is not known"
        return f"{words}; {nearest('' if several else str(value), choices)}"
    if kind in _LIMITS:
        return f"{shown(value)} is out of range; {_range(context, field)}"
    if kind in _TYPES:
        return _type_message(kind, value, field)
    if kind in {"too_short", "too_long"}:
        return _count_message(detail, field)
    if kind == "string_too_long":
        return f"{shown(value)} is too long; {context['max_length']} characters at most"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return message.replace("Input should be", "must be", 1)
