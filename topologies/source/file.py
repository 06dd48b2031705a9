"""Read a YAML file and locate its values, so that errors can point at them.

A valid file pays nothing for it: the text is read once more for the places at the first error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

import yaml

from topologies.errors import MAX_FOUND, InputError, Loc, ParameterError, ParametersError, Problem, dotted
from topologies.open_input import open_input
from topologies.source.events import place_of
from topologies.source.open_containers import so_far
from topologies.source.syntax import syntax_message
from topologies.source.values import Marks, Values

MAX_BYTES = 64 * 2**20
_LEAST = "`name:` and `topology:`"

Look = Callable[[Any], list[tuple[Loc, str]]]
"""Function that returns the errors of data: (path, message)."""

_MUCH = 2**21
"""Characters left from which on an invalid file isn't read to its end: it would take seconds."""
_UNREAD = "from here on nothing was looked at; fix the problems above first"
_SETTLED = re.compile("unknown key|must be .* not a (list|mapping)|can't be combined with")
"""Messages that stay true at the place reached, whatever follows."""

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters not allowed in a file: by YAML 1.2.2, section 5.1, and U+0085, U+2028 and U+2029.

Those three end a line in YAML 1.1 (and in libyaml), but not in YAML 1.2 and in editors.
"""


@dataclass
class Source:
    """Document: its data, its text, its name in errors, and the folder that relative paths start from."""

    start: ClassVar[tuple[int, int]] = (1, 1)
    """Line and column of what concerns the whole document; zeros where there is no text."""

    file: str
    folder: Path
    text: str = ""
    data: Any = None
    count: int | None = None
    """Number of values read, when reading ended before the file did."""

    @cached_property
    def marks(self) -> Marks:
        """Path of keys and positions -> (line, column) from 1.

        An entry of a mapping is located by its key, an item of a list by its value.
        """
        return self._marks(None)

    def _marks(self, wanted: frozenset[Loc] | None) -> Marks:
        values = Values(self.file, marks={}, wanted=wanted, end=self.count)
        values.read(self.text)
        return values.marks or {}

    def has(self, loc: Loc) -> bool:
        """Return whether the document has a value at `loc`."""
        return _is_in(loc, self.data)

    def input_error(self, found: Iterable[tuple[Loc, str]]) -> InputError:
        """Return the input error of (path, message), each with its place in the file.

        A path that isn't in the file gets the place of the nearest enclosing value. At most MAX_FOUND are
        reported: the whole file is read again for their places.
        """
        some = list(islice(dict.fromkeys(found), MAX_FOUND))
        around = frozenset(loc[:length] for loc, _ in some for length in range(1, len(loc) + 1))
        marks = self._marks(around) if around else {}
        problems = []
        for loc, words in some:
            at = loc
            while at and at not in marks:
                at = at[:-1]
            problems.append(Problem(self.file, *marks.get(at, self.start), dotted(loc), words))
        return InputError(problems)

    def error(self, error: ParameterError) -> InputError:
        """Return the input error with the place in the file that `error` comes from."""
        errors = error.errors if isinstance(error, ParametersError) else (error,)
        return self.input_error((one.loc, one.message) for one in errors)


def read(path: Path | str, least: str = _LEAST, look: Look | None = None) -> Source:
    """Read the YAML file at `path`; InputError when it can't be read or isn't plain YAML.

    With `look`, reading ends early when that finds more errors than anybody reads.
    """
    name = str(path)
    try:
        path = Path(path)
        with open_input(path, MAX_BYTES + 1) as file:
            raw = file.read(MAX_BYTES + 1)  # not its size: pipes and devices have none
        folder = _folder(path)
    except FileNotFoundError as error:
        raise InputError([Problem(name, 0, 0, "", "there is no such file; check the path")]) from error
    except IsADirectoryError as error:
        words = "is a directory; give the YAML file in it"
        raise InputError([Problem(name, 0, 0, "", words)]) from error
    except OSError as error:
        raise InputError([Problem(name, 0, 0, "", f"can't be read: {error.strerror}")]) from error
    except ValueError as error:  # a NUL in the path
        raise InputError([Problem(name, 0, 0, "", f"is not a path: {error}")]) from error
    return parse(raw, name, folder, least, look)


def _folder(path: Path) -> Path:
    """Return where relative paths of a file start: in its folder; of a pipe, in the current one."""
    resolved = path.resolve()
    return resolved.parent if resolved.is_file() else Path.cwd()


def parse(
    raw: bytes | str, file: str, folder: Path | None = None, least: str = _LEAST, look: Look | None = None
) -> Source:
    """Parse YAML text; `file` is its name in errors, relative paths start from `folder`.

    `least` is the minimum that the message for an empty file asks for; `look` as for `read`.

    Raises InputError with every problem of the YAML itself, and no other error whatever `raw` holds.
    """
    if len(raw) > MAX_BYTES:
        words = f"is larger than {MAX_BYTES >> 20} MiB; use a generator, or GraphML for large graphs"
        raise InputError([Problem(file, 0, 0, "", words)])
    source = Source(file, folder or Path.cwd(), _text(raw, file))
    values = Values(file)
    if look is not None:
        values.look = lambda event, later: _look(source, values, look, event, later)
    try:
        values.read(source.text)
    except yaml.YAMLError as error:
        line, column, words = syntax_message(error, source.text)
        raise InputError([*values.problems, Problem(file, line, column, "", words)]) from error
    if values.problems:
        raise InputError(values.problems)
    if values.data is None:
        raise InputError([Problem(file, 1, 1, "", f"is empty; write at least {least}")])
    source.data = values.data
    return source


def _look(source: Source, values: Values, look: Look, event: yaml.Event, later: int) -> None:
    """Raise InputError when the data read until now has more errors than anybody reads.

    At the last look a single error is enough if much of the file is left: reading it would take minutes.

    Errors that the rest of the file may still fix don't count: those around the place reached, missing
    keys, and links to nodes while nodes are still being read.
    """
    data, place = so_far(values.stack, values.data)
    found = [
        (loc, words)
        for loc, words in look(data)
        if (loc != place[: len(loc)] or _SETTLED.match(words))
        and _is_in(loc, data)
        and not ("nodes" in place and "links" in loc)
    ]
    enough = len(found) >= MAX_FOUND
    read = event.end_mark.index if event.end_mark else 0
    if enough or (found and not later and len(source.text) - read > _MUCH):
        error = replace(source, count=values.count).input_error(found)
        unread = [] if enough else [Problem(source.file, *place_of(event), "", _UNREAD)]
        raise InputError([*error.problems, *unread])


def _is_in(loc: Loc, data: Any) -> bool:
    """Return whether `data` has a value at `loc`."""
    for step in loc:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _text(raw: bytes | str, file: str) -> str:
    """Return `raw` as text without a byte order mark; InputError when it isn't printable UTF-8."""
    if isinstance(raw, bytes):
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise InputError([Problem(file, 1, 1, "", "is UTF-16 text; save it as UTF-8")])
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            place = _place(raw[: error.start].decode("utf-8"))
            words = f"byte 0x{raw[error.start]:02x} is not UTF-8 text; is this a YAML file? save it as UTF-8"
            raise InputError([Problem(file, *place, "", words)]) from error
    else:
        text = raw
    text = text.removeprefix("\ufeff")
    found = _UNPRINTABLE.search(text)
    if found:
        words = f"the character U+{ord(found[0]):04X} isn't allowed in a YAML file; "
        words += "is this a YAML file? save it as UTF-8" if "\0" in text else "remove it"
        raise InputError([Problem(file, *_place(text[: found.start()]), "", words)])
    return text


def _place(before: str) -> tuple[int, int]:
    """Return the line and column, from 1, after the text `before`."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")
