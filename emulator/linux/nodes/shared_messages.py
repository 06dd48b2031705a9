"""Messages of a network's current plan, shared by all its sessions."""

from __future__ import annotations

import threading
from collections.abc import Callable

from emulator.linux.nodes.link_messages import LinkMessages
from emulator.plan import Plan


class SharedMessages:
    """Builds the messages of each plan once, for all sessions. Safe for use by several threads.

    A stress run has up to 32 sessions. In a network of 10,000 hosts each would spend 30 ms and 9 MiB on
    messages of its own, at its start and after every change of the links that are up.
    """

    def __init__(self, plan_now: Callable[[], Plan]) -> None:
        self.plan_now = plan_now
        self._lock = threading.Lock()
        self._built: tuple[Plan, LinkMessages] | None = None

    def of(self, plan: Plan) -> LinkMessages:
        """Return the messages of `plan`."""
        with self._lock:
            if self._built is None or self._built[0] is not plan:
                self._built = plan, LinkMessages(plan.here)
            return self._built[1]
