"""`Closing`: what holds descriptors, and closes them at the end of a `with` block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """Context manager that calls `close`."""

    @abstractmethod
    def close(self) -> None:
        """Close the descriptors; a second time does nothing, or no harm."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
