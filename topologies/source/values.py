"""YAML text -> dicts, lists and scalars, in one pass over libyaml's events and without recursion.

PyYAML's own composer recurses once per level (a million `[` would overflow the stack), spends
most of its time on tag rules that topology files don't use, keeps the last of two equal keys, and
lets aliases repeat a small value a billion times (a "YAML bomb"). Here the depth is checked as it
grows, a value repeated by aliases counts each time, and two equal keys are an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import yaml

from topologies.errors import MAX_FOUND, InputError, Loc, Problem, dotted, shortened
from topologies.source.events import events_of, place_of
from topologies.source.open_containers import DROPPED, NO_KEY, OpenContainer, path_of
from topologies.source.scalars import resolve

MAX_DEPTH = 50
MAX_ALIASED = 1_000_000
MAX_ITEMS = 50_000
"""Largest length of a list directly under a key of the document (rules, steps): an item takes kilobytes."""
LOOKS = (50_000, 500_000)
"""Numbers of values after which the caller may look at the data read so far, and stop."""

Marks = dict[Loc, tuple[int, int]]
"""Path -> (line, column) from 1: an entry of a mapping by its key, an item of a list by its value."""

_CORE = "tag:yaml.org,2002:"
_SCALAR_TAGS = frozenset(_CORE + name for name in ("int", "float", "bool", "null"))
_TEXT_TAGS = frozenset((_CORE + "str", "!"))


@dataclass
class Values:
    """Result: `data`, and the errors of its YAML that don't prevent reading."""

    file: str
    marks: Marks | None = None
    wanted: Collection[Loc] | None = None
    """With `marks`: the only paths whose marks are kept; reading ends once all are found."""
    end: int | None = None
    """Number of values to stop after."""
    look: Callable[[yaml.Event, int], None] | None = None
    """Callback at LOOKS, with the last event and the next look (0: none); may raise."""
    data: Any = None
    documents: int = 0
    problems: list[Problem] = field(default_factory=list)
    stack: list[OpenContainer] = field(default_factory=list)
    _anchors: dict[str, tuple[Any, int, int]] = field(default_factory=dict)
    _values: int = 0
    _aliased: int = 0
    _steps: frozenset[str | int] | None = None

    def read(self, text: str) -> None:
        """Read `text`; InputError at a fatal error, yaml.YAMLError at invalid syntax."""
        handlers: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.DocumentStartEvent: self._document,
        }
        if self.wanted is not None:
            self._steps = frozenset(path[-1] for path in self.wanted if path)
        looks = iter(LOOKS if self.look is not None else ())
        pause = self.end or next(looks, 0)
        for event in events_of(text):
            handler = handlers.get(type(event))
            if handler:
                handler(event)
            if pause and self._values >= pause:
                if self.look is None:
                    return
                pause = next(looks, 0)
                self.look(event, pause)
            elif self._steps is not None and len(self.marks or ()) == len(self.wanted or ()):
                return
            elif len(self.problems) >= MAX_FOUND:
                raise InputError(self.problems)

    @property
    def count(self) -> int:
        """Number of values read."""
        return self._values

    def _path(self) -> Loc:
        """Return the path of the next value."""
        return path_of(self.stack)

    def problem(self, event: yaml.Event, message: str) -> Problem:
        """Return a problem at the value that starts with `event`."""
        path = tuple(step for step in self._path() if step is not DROPPED)
        return Problem(self.file, *place_of(event), dotted(path), message)

    def _document(self, event: yaml.Event) -> None:
        self.documents += 1
        if self.documents > 1:
            words = "a second YAML document starts here; a file holds one, remove the `---`"
            raise InputError([*self.problems, self.problem(event, words)])

    def _put(self, event: yaml.Event, value: Any) -> None:
        """Add a finished value to its container."""
        self._values += 1
        if not self.stack:
            self.data = value
            return
        top = self.stack[-1]
        if type(top.container) is list:
            if self.marks is not None:
                self._mark(event)
            top.container.append(value)
        else:
            if top.key is not DROPPED:
                top.container[top.key] = value
            top.key = NO_KEY

    def _mark(self, event: yaml.Event) -> None:
        top = self.stack[-1]
        step = len(top.container) if type(top.container) is list else top.key
        if self._steps is not None and step not in self._steps:
            return
        path = self._path()
        if self.wanted is not None and path not in self.wanted:
            return
        if self.marks is not None and DROPPED not in path:
            self.marks.setdefault(path, place_of(event))

    def _at_key(self) -> bool:
        return bool(self.stack) and self.stack[-1].key is NO_KEY and type(self.stack[-1].container) is dict

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        if self._at_key():
            self._key(event)
            return
        self._check_items(event)
        tag = event.tag
        if tag is None:
            value = resolve(event.value) if event.implicit[0] else event.value
        elif tag in _TEXT_TAGS:
            value = event.value
        elif tag in _SCALAR_TAGS:
            value = resolve(event.value)
        else:
            value = None
            self._bad_tag(event)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1, 0)
        self._put(event, value)

    def _key(self, event: yaml.ScalarEvent) -> None:
        top, key = self.stack[-1], event.value
        if key == "<<" and event.implicit[0]:
            words = "merge keys (`<<`) aren't part of YAML 1.2; write the keys out"
        elif key == "" and event.implicit[0]:
            words = "there is no key before the `:`; write `key: value`"
        elif key in top.container:
            words = f"appears twice; keep one `{shortened(key)}`"
            top.key = key
        else:
            top.key = key
            if event.anchor:
                self._anchors[event.anchor] = (key, 1, 0)
            if event.tag and event.tag not in _TEXT_TAGS | _SCALAR_TAGS:
                self._bad_tag(event)
            if self.marks is not None:
                self._mark(event)
            return
        self.problems.append(self.problem(event, words))
        top.key = DROPPED

    def _bad_tag(self, event: Any) -> None:
        tag = event.tag.replace(_CORE, "!!", 1)
        words = f"the tag `{shortened(tag)}` isn't supported; write the value without a tag"
        self.problems.append(self.problem(event, words))

    def _start(self, event: Any) -> None:
        is_mapping = type(event) is yaml.MappingStartEvent
        self._check_depth(event, 1)
        self._check_items(event)
        is_key = self._at_key()
        if is_key:
            self.problems.append(self.problem(event, "a key must be text, not a list or a mapping"))
        elif event.tag and event.tag not in (_CORE + ("map" if is_mapping else "seq"), "!"):
            self._bad_tag(event)
        if self.marks is not None and self.stack and type(self.stack[-1].container) is list:
            self._mark(event)
        self.stack.append(OpenContainer({} if is_mapping else [], event.anchor, self._values, is_key=is_key))

    def _end(self, event: yaml.Event) -> None:
        top = self.stack.pop()
        if top.anchor:
            size = self._values - top.started + 1
            self._anchors[top.anchor] = (top.container, size, top.height + 1)
        if top.is_key:
            self.stack[-1].key = DROPPED
            return
        if self.stack:
            self.stack[-1].height = max(self.stack[-1].height, top.height + 1)
        self._put(event, top.container)

    def _alias(self, event: yaml.AliasEvent) -> None:
        anchor = str(event.anchor)
        known, name = self._anchors.get(anchor), shortened(anchor)
        inside = any(one.anchor == anchor for one in self.stack)
        if inside:
            self.problems.append(
                self.problem(event, f"`*{name}` is inside its own anchor; write the value out")
            )
        elif known is None:
            self.problems.append(self.problem(event, f"there is no anchor `&{name}` before this alias"))
        value, size, height = known if known and not inside else (None, 1, 0)
        self._aliased += size
        self._values += size - 1
        if self._aliased > MAX_ALIASED:
            words = f"the aliases repeat more than {MAX_ALIASED:,} values; write fewer, or use a generator"
            raise InputError([*self.problems, self.problem(event, words)])
        self._check_depth(event, height)
        self._check_items(event)
        if self._at_key():
            words = "a key must be text, not an alias; write the key out"
            self.problems.append(self.problem(event, words))
            self.stack[-1].key = DROPPED
            return
        if self.stack:
            self.stack[-1].height = max(self.stack[-1].height, height)
        self._put(event, value)

    def _check_items(self, event: yaml.Event) -> None:
        """Raise InputError when one more item would be too many."""
        inner = self.stack[1].container if len(self.stack) == 2 else ()
        if len(inner) >= MAX_ITEMS and type(inner) is list:
            if self.look is not None:
                self.look(event, 0)
            words = f"a list here has {MAX_ITEMS:,} items at the most; write fewer"
            raise InputError([*self.problems, self.problem(event, words)])

    def _check_depth(self, event: yaml.Event, more: int) -> None:
        if len(self.stack) + more > MAX_DEPTH:
            words = f"is nested deeper than {MAX_DEPTH} levels; a topology file needs fewer"
            problem = self.problem(event, words)
            top = Problem(problem.file, problem.line, problem.column, "", words)
            raise InputError([*self.problems, top])
