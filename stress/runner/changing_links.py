"""Changes of links that forwarding knows of, for contexts of actions: many at once, in the journal first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from emulator.network import LinkState
from stress.actions.action_context import Skipped, SkippedError
from stress.runner.shared_state import SharedState


class ChangesLinks:
    """Changes links of the network of `shared`, starting from their states before the run."""

    def __init__(self, shared: SharedState) -> None:
        self._shared = shared
        self._removed = shared.removed
        self._ends = shared.ends
        self.network = shared.network
        self.journal = shared.journal

    def change_links(self, links: Sequence[int], change: Callable[[int, LinkState], LinkState]) -> Skipped:
        """Change links to `change(link, state before the run)`, at once; removed ones are skipped."""
        skipped, wanted = Skipped(), dict[int, LinkState]()
        for at, link in enumerate(links):
            try:
                self._need_link(link)
            except SkippedError as error:
                skipped[at] = str(error)
            else:
                wanted[link] = change(link, self.journal.before(link))
        if wanted:
            self.journal.will_change_all(wanted)
            self.network.set_links(wanted)
        return skipped

    def restore_links(self, links: Sequence[int]) -> Skipped:
        """Restore links to their states before the run, at once; those in that state already are skipped.

        This works while a node of a link is removed: the node returns with the link restored.
        """
        changed = set(self.journal.changed)
        skipped = {at: "the link is as before" for at, link in enumerate(links) if link not in changed}
        wanted = {link: self.journal.before(link) for at, link in enumerate(links) if at not in skipped}
        if wanted:
            self.network.set_links(wanted)
            for link in wanted:
                self.journal.note_restored(link)
        return skipped

    def _need_link(self, link: int) -> None:
        here = self._removed
        if link in here.links:
            raise SkippedError("the link is removed")
        if here.nodes and any(node in here.nodes for node in self._ends[link]):
            raise SkippedError("a node of the link is removed")
