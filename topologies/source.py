"""Read a YAML file and remember where every value stands, so that errors can point at it.

Only PyYAML's node graph is used, with our own construction on top: it refuses duplicate keys
(YAML 1.2, section 3.2.1.3), bounds what aliases may expand to (a "YAML bomb" repeats one small
value a billion times), and knows no tags that make Python objects.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from topologies.errors import InputError, ParameterError, Problem

MAX_BYTES = 64 * 2**20
MAX_VALUES = 2_000_000
MAX_DEPTH = 50

Loc = tuple[str | int, ...]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Source:
    """A document: its data, its file name, and the line and column of every value.

    `marks` maps a path of keys and positions to (line, column), counted from 1: of the key for a
    mapping's entry, of the value for a list's item.
    """

    file: str
    folder: Path
    data: Any = None
    marks: dict[Loc, tuple[int, int]] = field(default_factory=dict)

    def problem(self, loc: Iterable[str | int], message: str) -> Problem:
        """Return a problem at `loc`, or at the nearest enclosing value that stands in the file."""
        path = tuple(loc)
        at = path
        while at and at not in self.marks:
            at = at[:-1]
        line, column = self.marks.get(at, (1, 1))
        return Problem(self.file, line, column, dotted(path), message)

    def error(self, error: ParameterError) -> InputError:
        """Return the input error that says where in the file `error` comes from."""
        return InputError([self.problem(error.loc, error.message)])


def dotted(path: Loc) -> str:
    """Return a path as people write it: `links[0].bandwidth`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else (f".{step}" if text else step)
    return text


def read(path: Path | str) -> Source:
    """Read the YAML file at `path`; raise InputError when it can't be read or isn't plain YAML."""
    path = Path(path)
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise InputError([Problem(str(path), 0, 0, "", f"is larger than {MAX_BYTES >> 20} MiB")])
        raw = path.read_bytes()
    except OSError as error:
        raise InputError([Problem(str(path), 0, 0, "", f"can't be read: {error.strerror}")]) from error
    return parse(raw, str(path), path.resolve().parent)


def parse(raw: bytes | str, file: str, folder: Path | None = None) -> Source:
    """Parse YAML text; `file` is what errors call it, relative paths start from `folder`."""
    source = Source(file, folder or Path.cwd())
    try:
        text = raw.decode("utf-8") if isinstance(raw, bytes) else raw
        root = yaml.compose(text, Loader=_Loader)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1 if isinstance(raw, bytes) else 1
        raise InputError([Problem(file, line, 1, "", "is not text (UTF-8); is this a YAML file?")]) from error
    except yaml.reader.ReaderError as error:
        raise InputError([Problem(file, 1, 1, "", f"is not YAML: {error.reason}")]) from error
    except yaml.MarkedYAMLError as error:
        raise InputError([_syntax_problem(file, error)]) from error
    except RecursionError as error:
        raise InputError([Problem(file, 1, 1, "", f"is nested deeper than {MAX_DEPTH} levels")]) from error
    if root is None:
        raise InputError([Problem(file, 1, 1, "", "is empty; write at least `name:` and `topology:`")])
    construction = _Construction(source)
    source.data = construction.value(root, ())
    if construction.problems:
        raise InputError(construction.problems)
    return source


def _syntax_problem(file: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    words = str(error.problem or error.context)
    if "'\\t'" in words or "\\t" in words:
        words = "a tab is not allowed here; indent with spaces"
    elif "expected a single document" in " ".join(map(str, (error.context, error.problem))):
        words = "holds more than one YAML document; keep one (remove the `---`)"
    elif error.context and error.problem:
        words = f"{error.problem} ({error.context})"
    return Problem(file, line, column, "", f"is not valid YAML: {words}")


@dataclass
class _Construction:
    source: Source
    problems: list[Problem] = field(default_factory=list)
    values: int = 0

    def value(self, node: yaml.Node, path: Loc) -> Any:
        """Return the Python value of `node`, noting the marks of all below it."""
        self.values += 1
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        if self.values > MAX_VALUES or len(path) > MAX_DEPTH:
            what = (
                f"expands to more than {MAX_VALUES} values (aliases repeat too much)"
                if self.values > MAX_VALUES
                else f"is nested deeper than {MAX_DEPTH} levels"
            )
            raise InputError([Problem(self.source.file, line, column, "", what)])
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(child, (*path, i)) for i, child in enumerate(node.value)]
        return self._scalar(node, path)

    def _item(self, node: yaml.Node, path: Loc) -> Any:
        self.source.marks[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        return self.value(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Loc) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
            if key is None:
                self._problem(line, column, path, "a key must be plain text")
                continue
            here = (*path, key)
            if key == "<<":
                self._problem(line, column, path, "merge keys (`<<`) aren't supported; write the keys out")
            elif key in out:
                self._problem(line, column, here, "is given twice; keep one")
            else:
                self.source.marks[here] = (line, column)
                out[key] = self.value(value_node, here)
        return out

    def _scalar(self, node: yaml.Node, path: Loc) -> Any:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        if node.tag not in _PLAIN_TAGS:
            if node.tag == "tag:yaml.org,2002:timestamp":
                return str(node.value)
            self._problem(line, column, path, f"the tag `{node.tag}` isn't supported; write a plain value")
            return None
        try:
            return _CONSTRUCTOR.construct_object(node)
        except (ValueError, yaml.YAMLError):
            return str(node.value)

    def _problem(self, line: int, column: int, path: Loc, message: str) -> None:
        self.problems.append(Problem(self.source.file, line, column, dotted(path), message))


_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")}


class _ScalarConstructor(yaml.constructor.SafeConstructor):
    """PyYAML's own reading of scalars, minus two surprises of YAML 1.1.

    `10:20` isn't the base-60 number 620 (that would eat MAC addresses and times), and 0o-less
    octal `010` stays what it looks like to most people: an error further up, not 8.
    """

    def construct_yaml_int(self, node: yaml.ScalarNode) -> Any:
        """Return an int, or the text itself for base-60 numbers."""
        if ":" in node.value:
            return node.value
        return super().construct_yaml_int(node)

    def construct_yaml_float(self, node: yaml.ScalarNode) -> Any:
        """Return a float, or the text itself for base-60 numbers."""
        if ":" in node.value:
            return node.value
        return super().construct_yaml_float(node)


_register: Any = _ScalarConstructor.add_constructor
_register("tag:yaml.org,2002:int", _ScalarConstructor.construct_yaml_int)
_register("tag:yaml.org,2002:float", _ScalarConstructor.construct_yaml_float)
_CONSTRUCTOR: Any = _ScalarConstructor()
