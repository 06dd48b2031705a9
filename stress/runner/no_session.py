"""Session of workers whose actions need none."""

from __future__ import annotations

from typing import Any, Self

from emulator.errors import UnableError


class NoSession:
    """Session of a worker that needs none: its actions use the network itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def restore(self) -> list[str]:
        """Nothing to restore."""
        return []

    def prepare(self, ports: object) -> None:
        """Nothing to prepare."""

    def __getattr__(self, name: str) -> Any:
        """Refuse everything else: an action that needs a session isn't SERIAL."""
        raise UnableError(f"no session to {name} with")
