"""Restoration of the links that a run changed and hasn't restored itself."""

from __future__ import annotations

from stress.runner.collect_results import link_name
from stress.runner.shared_state import SharedState


def restore_links(shared: SharedState) -> list[str]:
    """Restore all changed links at once; return their names. EmulationError if that fails."""
    journal = shared.journal
    if not (links := journal.changed):
        return []
    shared.network.set_links({link: journal.before(link) for link in links})
    for link in links:
        journal.note_restored(link)
    return [link_name(shared, link) for link in links]
