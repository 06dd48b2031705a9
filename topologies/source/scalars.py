"""Resolution of plain (unquoted) YAML scalars: the core schema of YAML 1.2 without its traps.

YAML 1.2.2, section 10.3.2, instead of PyYAML's YAML 1.1: a node may be called `no`, `on` or `y`
and stay text, `10:20` isn't a number in base 60 and `2024-01-01` isn't a date. It is stricter
than the core schema in one point: a whole number that isn't written the way it prints (`007`, `0x1F`,
`+5`) stays text, so that a name such as `007` is never changed.
"""

from __future__ import annotations

import re

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_MAY_BE_NUMBER = frozenset("-+.0123456789")
_INTEGER = re.compile(r"-?[1-9][0-9]{0,4000}|0")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]|-0$|\+[0-9]+$")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


def resolve(text: str) -> Scalar:
    """Return the value of the plain scalar `text`."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _MAY_BE_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not text.isdigit() and not _LEADING_ZERO.match(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    return text
