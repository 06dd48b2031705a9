"""Restoration of the links that a run changed and hasn't restored itself."""

from __future__ import annotations

from contextlib import suppress

from emulator.errors import EmulationError
from stress.runner.collect_results import link_name
from stress.runner.shared_state import SharedState


def restore_links(shared: SharedState) -> tuple[list[str], EmulationError | None]:
    """Restore all changed links, at once if that works; return their names, and why one stays as it is."""
    network, journal, links = shared.network, shared.journal, shared.journal.changed
    if not links:
        return [], None
    failure = None
    with suppress(EmulationError):
        network.set_links({link: journal.before(link) for link in links})
        for link in links:
            journal.note_restored(link)
    for link in journal.changed:
        try:
            network.set_link(link, journal.before(link))
            journal.note_restored(link)
        except EmulationError as error:
            failure = failure or error
    left = set(journal.changed)
    return [link_name(shared, link) for link in links if link not in left], failure
