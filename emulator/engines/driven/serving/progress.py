"""What a step is given: it reports progress to the client, and tells when the client has gone away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .deadline import Deadline


class ClientGoneError(Exception):
    """The client of a step has gone away, and the step isn't worth finishing without it."""


class Progress:
    """Called with (phase, done, total) after each part of a step.

    `tell` sends that to the client. With `abandonable`, the call raises ClientGoneError once the client has
    gone. `limit` is the step's time limit, if it has one.
    """

    def __init__(
        self,
        tell: Callable[[str, int, int], None],
        *,
        abandonable: bool = False,
        limit: Deadline | None = None,
    ) -> None:
        self._tell = tell
        self._abandonable = abandonable
        self._limit = limit
        self._guard = threading.Lock()
        self._hooks: list[Callable[[], None]] = []
        self.gone = False
        """True once the client has gone away."""

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Report, and restart the time limit; ClientGoneError."""
        with self._guard:  # the limit mustn't be restarted after `interruptible` has ended it
            if self.gone and self._abandonable:
                raise ClientGoneError
            if self._limit is not None:
                self._limit.again()
        self._tell(phase, done, total)

    def begin(self, limit: Deadline) -> None:
        """Let `limit` be the time limit of what follows; ClientGoneError if nothing should follow."""
        with self._guard:
            self._limit = limit
            if self.gone and self._abandonable:
                raise ClientGoneError

    @contextmanager
    def when_gone(self, hook: Callable[[], None]) -> Iterator[None]:
        """Call `hook` once if the client goes away in this context, or has gone before.

        It is called in another thread, or here if the client has gone before. The context ends after it.
        """
        with self._guard:
            if self.gone:
                hook()
            else:
                self._hooks.append(hook)
        try:
            yield
        finally:
            with self._guard:
                if hook in self._hooks:
                    self._hooks.remove(hook)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """End this context as the time limit does, with DeadlineError, once the client has gone away.

        It is for calls of the driven program that report no progress.
        """
        if self._limit is None:
            yield
            return
        with self.when_gone(self._limit.now):
            yield

    def client_gone(self) -> None:
        """Note that the client has gone away, and call the hooks."""
        with self._guard:
            self.gone = True
            hooks, self._hooks = self._hooks, []
            for hook in hooks:
                hook()
