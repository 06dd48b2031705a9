"""State that all workers of a run share, above all the elements that are removed at the moment.

Operations overlap: a port may be due to come up when its node has been removed. This state lists all
elements that the run has removed. So such an operation is counted as skipped, instead of failing in
the kernel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.network import Network
from emulator.removed_elements import RemovedElements
from stress.actions.action_context import Growth
from stress.journal import Journal

Clock = Callable[[], float]


@dataclass
class SharedState:
    """State that all workers of a run share."""

    network: Network
    clock: Clock
    journal: Journal
    growth: Growth | None = None
    tag: Path | None = None
    """Tag of commands in nodes, by which they are ended; by default the journal's path."""
    elsewhere: frozenset[int] | None = None
    """Nodes of targets that are on other workers, where other parts act on them; None where all are here."""
    removed: RemovedElements = field(init=False)
    ends: list[list[int]] = field(init=False)
    """Nodes at both ends of each link."""
    last_removals: dict[int, float] = field(default_factory=dict)
    """Node -> when the run removed it last: what was under way in it ended then."""
    reports: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.removed = RemovedElements(self.network.topology)
        self.tag = self.tag or self.journal.path
        self.ends = self.network.topology.ends.tolist()
