"""Messages for YAML syntax errors that say what to write instead.

libyaml says which token it expected; a newcomer needs to know which character to type. The hints
are looked up by libyaml's messages (those of PyYAML's pure Python parser are nearly the same).
"""

from __future__ import annotations

import re
from itertools import pairwise

import yaml

from topologies.errors import shortened

_NO_SPACE = re.compile(r"\s*(?:- )*([A-Za-z_][\w-]*):(?=\S)")

_HINTS: tuple[tuple[str, str], ...] = (
    ("did not find expected key", "this line doesn't line up with the keys above it; indent it like them"),
    ("expected <block end>", "this line doesn't line up with the lines above it; indent it like them"),
    ("'-' indicator", "this line doesn't line up with the list above it; start it with `- ` or indent it"),
    ("sequence entries are not allowed", "a list's `- ` can't start here; put it on a line of its own"),
    ("unknown escape character", "unknown `\\` escape; in single quotes a `\\` is literal"),
    ("hexdecimal number", "an escape such as `\\x41` needs hexadecimal digits"),
    ("hexadecimal number", "an escape such as `\\x41` needs hexadecimal digits"),
    ("found unexpected ':'", "a `:` isn't allowed inside plain text here; put the text in quotes"),
    ("mapping keys are not allowed", "a `?` can't start a key here; put the text in quotes"),
    ("whitespace or line break", "a space must follow a `&name`, a `*name` or a `!tag`"),
    ("unexpected document indicator", "`---` or `...` is inside quoted text; close the quotes first"),
    ("URI", "tags (`!…`) aren't supported; put the text in quotes"),
    ("tag handle", "tags (`!…`) aren't supported; put the text in quotes"),
    ("the expected '>'", "tags (`!…`) aren't supported; put the text in quotes"),
    ("the expected '!'", "tags (`!…`) aren't supported; put the text in quotes"),
    ("indentation indicator", "write `|` or `>` alone, and indent the text below it"),
    ("alphabetic or numeric", "a name must follow `*` or `&`; put the text in quotes if it isn't an alias"),
    ("incompatible YAML document", "only YAML 1.x is known; remove the %YAML line"),
    ("directive", "unknown `%` directive; remove this line"),
    ("comment or line break", "nothing may follow `|` or `>` on its line; start the text on the next one"),
    ("document start>", "text follows the end of the document; remove the `...` line above it"),
    ("node content", "there is no value here; check brackets and commas"),
)


def syntax_message(error: yaml.YAMLError, text: str) -> tuple[int, int, str]:
    """Return line, column (from 1) and message for the syntax `error` of `text`."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return 1, 1, f"is not valid YAML: {shortened(str(error))}"
    mark, start = error.problem_mark or error.context_mark, error.context_mark
    if mark is None:
        return 1, 1, f"is not valid YAML: {error.problem or error.context}"
    problem = str(error.problem or error.context)
    line, column = mark.line + 1, mark.column + 1
    if "cannot start any token" in problem or "found a tab" in problem:
        words = _bad_character(text, mark)
    elif text[mark.index : mark.index + 1] == ":" and (
        "expected key" in problem or "node content" in problem
    ):
        words = "there is no key before the `:`; write `key: value`"
    elif start and "expected" in problem and "while parsing a flow" in str(error.context):
        words = _unclosed(text, start, mark)
    elif start and "unexpected end of stream" in problem:
        quote = text[start.index : start.index + 1]
        line, column = start.line + 1, start.column + 1
        words = f"the text that starts here has no closing {quote}; add it"
    elif start and "could not find expected ':'" in problem:
        line, column = start.line + 1, start.column + 1
        words = "there is no `:` after this key; write `key: value`"
    elif "mapping values are not allowed" in problem:
        words = _second_colon(text, mark)
    else:
        words = next((hint for sign, hint in _HINTS if sign in problem), f"is not valid YAML: {problem}")
    return line, column, words


def _bad_character(text: str, mark: yaml.Mark) -> str:
    """Return the message for a misplaced character: a tab, or a reserved one."""
    found = text[mark.index : mark.index + 1]
    if found == "\t" or "\t" in _line_before(text, mark):
        return "a tab can't indent YAML; use spaces"
    return f"`{found}` can't start a value; put the text in quotes"


def _line_before(text: str, mark: yaml.Mark) -> str:
    return text[max(0, mark.index - mark.column) : mark.index]


def _unclosed(text: str, start: yaml.Mark, mark: yaml.Mark) -> str:
    opened = text[start.index : start.index + 1]
    closing = {"[": "]", "{": "}"}.get(opened)
    found = text[mark.index : mark.index + 1]
    if closing is None:
        where = "the file ends" if not found else f"`{found}` stands"
        return f"{where} where a value must be; check brackets and commas"
    return (
        f"expected `,` or `{closing}` here, for the `{opened}` of line {start.line + 1}, "
        f"column {start.column + 1}; close it or put a comma"
    )


def _second_colon(text: str, mark: yaml.Mark) -> str:
    """Return the message for a `:` where no key can be; often the line before lacks a space after its own."""
    before = text[: mark.index].splitlines()
    for above, _ in pairwise(before[-3:]):
        found = _NO_SPACE.match(above)
        if found:
            return f"a key isn't allowed here; the line above needs a space after its colon: `{found[1]}: …`"
    return "a second `:` isn't allowed here; check the indentation, or put the text in quotes"
