"""`RestoringSession`: a session without anything of its own to open or to close."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from emulator.errors import UsageError


class RestoringSession(ABC):
    """Context manager that restores everything when the context ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()

    def move_port(self, node: int, host: int) -> None:
        """Refuse: only light ports move, and only some engines have them."""
        del node, host
        raise UsageError("this network has no light ports: nothing else moves between compute hosts")

    @abstractmethod
    def restore(self) -> list[str]:
        """Restore everything that this session removed; return the names."""
