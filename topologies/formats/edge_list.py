"""Read an edge list: one edge per line, as networkx and most graph collections write it.

    # a comment
    s1 s2                       two names
    s1 s2 0.5                   and a number, which is the attribute `weight`
    s1 s2 {'delay': '5 ms'}     or a mapping, JSON or Python
    h1                          one name alone: a node, and edges may follow
    h1 {"kind": "host"}         with attributes

Names can't hold spaces. Spaces, tabs or commas separate the fields.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from topologies.formats.graph import FormatError, Graph

MAX_LINE = 1 << 16
_FIELDS = re.compile(r"[\s,]+")


def read(file: BinaryIO) -> Graph:
    """Return the graph in `file`; FormatError with the line that isn't an edge."""
    graph = Graph()
    mentioned: dict[str, dict[str, Any]] = {}
    for line, text in _lines(file):
        words, attributes = _split(text, line)
        if len(words) == 1:
            mentioned.setdefault(words[0], {}).update(attributes)
            continue
        if len(words) == 3:
            attributes["weight"] = _weight(words[2], line)
        elif len(words) != 2:
            raise FormatError("is not an edge; write two names, then a number or {attributes}", line)
        for name in words[:2]:
            mentioned.setdefault(name, {})
        graph.add_edge(words[0], words[1], attributes, line)
    for name, attributes in mentioned.items():
        graph.add_node(name, attributes)
    return graph.checked()


def _lines(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, text) of the lines that aren't empty or comments."""
    number = 0
    while raw := file.readline(MAX_LINE + 1):
        number += 1
        if len(raw) > MAX_LINE:
            raise FormatError(f"is longer than {MAX_LINE:,} bytes; is it an edge list?", number)
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise FormatError("is not UTF-8 text; save it as UTF-8", number) from error
        if "\0" in text:
            raise FormatError("holds a NUL; is it an edge list?", number)
        if text.strip() and text.lstrip()[0] not in "#%":
            yield number, text.strip()


def _split(text: str, line: int) -> tuple[list[str], dict[str, Any]]:
    """Return the words of a line and the attributes that end it."""
    before, brace, rest = text.partition("{")
    if not brace:
        before = text.partition("#")[0]
    words = [word for word in _FIELDS.split(before) if word]
    if not words:
        raise FormatError("has no name before its attributes; write two names first", line)
    return words, _mapping(brace + rest, line) if brace else {}


def _mapping(text: str, line: int) -> dict[str, Any]:
    for parse in (json.loads, ast.literal_eval):
        try:
            value = parse(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
        if isinstance(value, dict):
            return {str(key): item for key, item in value.items()}
    raise FormatError('has attributes that are no mapping; write for example {"delay": "5 ms"}', line)


def _weight(word: str, line: int) -> float:
    try:
        return float(word)
    except ValueError:
        raise FormatError(
            f"`{word}` is not a number; write {{'delay': …}} for other attributes", line
        ) from None
