"""`OnEveryWorker`: the start of each spread that divides a task alike (`emulator.tasks.Spread`)."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.tasks import Places, Plain


class OnEveryWorker:
    """The same part on every worker, and the same questions to it."""

    def arguments(self, whole: Mapping[str, Plain], places: Places) -> Mapping[str, Mapping[str, Plain]]:
        """Return the arguments for each worker."""
        return dict.fromkeys(places.workers, whole)

    def requests(self, request: Plain, places: Places) -> Mapping[str, Plain]:
        """Ask all."""
        return dict.fromkeys(places.workers, request)
