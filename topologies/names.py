"""Node names, computed from indices and stored only where the file gives them.

A million names would take 60 MB as Python strings; a `NameBlock` is a formula for a run of
nodes, so that name -> index and index -> name cost no memory.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import translate
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

NODE_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")
"""Pattern of node names: they fit a hosts file and a path, and can't start with an option's dash."""
NETWORK_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
"""Pattern of all of a network's name, for `fullmatch`: it becomes a path."""


class Block(Protocol):
    """Names of a run of consecutive nodes."""

    @property
    def count(self) -> int:
        """Number of nodes."""
        ...

    def name(self, offset: int) -> str:
        """Return the name of the node at `offset` in the run."""
        ...

    def __iter__(self) -> Iterator[str]:
        """Yield the names of all nodes of the run."""
        ...

    def find(self, name: str) -> int | None:
        """Return the offset of `name`, or None when this run doesn't have it."""
        ...

    def prefixed(self, prefix: str) -> Block:
        """Return the same run with `prefix` before every name."""
        ...

    def longest(self) -> int:
        """Return the length of the longest name in characters, 0 without any."""
        ...


@dataclass(frozen=True)
class NameBlock:
    """Names by formula: `parts[0]` number `parts[1]` number …, numbers counting from `first`.

    `NameBlock(("h",), (4,))` is h1 h2 h3 h4; `NameBlock(("p", "e"), (2, 2))` is p1e1 p1e2 p2e1 p2e2.
    """

    parts: tuple[str, ...]
    shape: tuple[int, ...]
    first: int = 1

    @cached_property
    def count(self) -> int:
        """Number of nodes: the product of the shape."""
        product = 1
        for extent in self.shape:
            product *= extent
        return product

    def name(self, offset: int) -> str:
        """Return the name at `offset`."""
        if len(self.shape) == 1:
            return f"{self.parts[0]}{offset + self.first}"
        numbers: list[int] = []
        for extent in reversed(self.shape):
            offset, number = divmod(offset, extent)
            numbers.append(number + self.first)
        return "".join(f"{part}{number}" for part, number in zip(self.parts, reversed(numbers), strict=True))

    def __iter__(self) -> Iterator[str]:
        """Yield all names, ten times as fast as one by one."""
        above = NameBlock(self.parts[:-1], self.shape[:-1], self.first) if len(self.parts) > 1 else ("",)
        last = [f"{self.parts[-1]}{number}" for number in range(self.first, self.first + self.shape[-1])]
        return (head + tail for head in above for tail in last)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("".join(re.escape(part) + "(0|[1-9][0-9]{0,18})" for part in self.parts) + r"\Z")

    def find(self, name: str) -> int | None:
        """Return the offset of `name`, or None."""
        found = self._pattern.match(name)
        if not found:
            return None
        offset = 0
        for text, extent in zip(found.groups(), self.shape, strict=True):
            number = int(text) - self.first
            if not 0 <= number < extent:
                return None
            offset = offset * extent + number
        return offset

    def prefixed(self, prefix: str) -> NameBlock:
        """Return the same block with `prefix` before every name."""
        return replace(self, parts=(prefix + self.parts[0], *self.parts[1:]))

    def longest(self) -> int:
        """Return the length of the longest name: the last has the largest numbers."""
        return len(self.name(self.count - 1)) if self.count else 0


@dataclass(frozen=True)
class NameList:
    """Names stated by the file."""

    names: tuple[str, ...]

    @property
    def count(self) -> int:
        """Number of nodes."""
        return len(self.names)

    def name(self, offset: int) -> str:
        """Return the name at `offset`."""
        return self.names[offset]

    def __iter__(self) -> Iterator[str]:
        """Yield all names."""
        return iter(self.names)

    @cached_property
    def _offsets(self) -> dict[str, int]:
        return {name: offset for offset, name in enumerate(self.names)}

    def find(self, name: str) -> int | None:
        """Return the offset of `name`, or None."""
        return self._offsets.get(name)

    def prefixed(self, prefix: str) -> NameList:
        """Return the same list with `prefix` before every name."""
        return NameList(tuple(prefix + name for name in self.names))

    def longest(self) -> int:
        """Return the length of the longest name."""
        return max(map(len, self.names), default=0)


@dataclass(frozen=True)
class Names(Sequence[str]):
    """The names of all nodes, in index order."""

    blocks: tuple[Block, ...]
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0]
        for block in self.blocks:
            starts.append(starts[-1] + block.count)
        object.__setattr__(self, "_starts", tuple(starts))

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, index: int) -> str:  # type: ignore[override]  # slices would copy a million names
        if not 0 <= index < len(self):
            raise IndexError(index)
        at = bisect_right(self._starts, index) - 1
        return self.blocks[at].name(index - self._starts[at])

    def __iter__(self) -> Iterator[str]:
        for block in self.blocks:
            yield from block

    def first(self, count: int) -> Names:
        """Return the names of the first `count` nodes."""
        at = bisect_right(self._starts, count) - 1
        blocks, rest = self.blocks[:at], count - self._starts[at]
        if rest:
            block = self.blocks[at]
            blocks = (*blocks, NameList(tuple(block.name(offset) for offset in range(rest))))
        return Names(blocks)

    def take(self, nodes: npt.NDArray[np.int64]) -> list[str]:
        """Return the names of `nodes`: int64[k], ascending, each once."""
        return list(self) if len(nodes) == len(self) else [self[node] for node in nodes.tolist()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.find(name) is not None

    def longest(self) -> int:
        """Return the length of the longest name in characters, 0 without any node."""
        return max((block.longest() for block in self.blocks), default=0)

    def find(self, name: str) -> int | None:
        """Return the index of `name`, or None when no node has it."""
        for start, block in zip(self._starts, self.blocks, strict=False):
            offset = block.find(name)
            if offset is not None:
                return start + offset
        return None

    def match(self, glob: str) -> npt.NDArray[np.int64]:
        """Return the indices (int64[k], ascending) of the names that the shell pattern `glob` matches."""
        if glob == "*":
            return np.arange(len(self), dtype=np.int64)
        if not any(sign in glob for sign in "*?["):
            found = self.find(glob)
            return np.array([] if found is None else [found], dtype=np.int64)
        matches = re.compile(translate(glob)).match
        return np.array([i for i, name in enumerate(self) if matches(name)], dtype=np.int64)

    def prefixed(self, prefix: str) -> Names:
        """Return all names with `prefix` before each."""
        return Names(tuple(block.prefixed(prefix) for block in self.blocks))
