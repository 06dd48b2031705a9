"""Lines for a node's shell, each in a shell of its own: for engines that can't keep one open."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class LineByLine:
    """Runs each line by `sh -c`: a `cd` doesn't reach the next one."""

    def __init__(self, interact: Callable[[Sequence[str]], int]) -> None:
        self._interact = interact

    def run(self, line: str) -> int:
        """Run a line and return its exit code."""
        return self._interact(["sh", "-c", line])

    def lasts(self) -> bool:
        """Return False: lines leave nothing."""
        return False

    def close(self) -> None:
        """Do nothing."""
