"""What a command on a worker or in a container gave, or why it gave nothing."""

from __future__ import annotations

from dataclasses import dataclass


class TransportError(Exception):
    """A worker or a container can't be reached, or doesn't answer."""


@dataclass(frozen=True)
class Result:
    """What a command gave."""

    code: int
    out: bytes
    err: bytes

    @property
    def text(self) -> str:
        """Standard output, as text."""
        return self.out.decode(errors="replace")

    @property
    def errors(self) -> str:
        """Standard error, as text."""
        return self.err.decode(errors="replace").strip()
