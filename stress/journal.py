"""Journal of a run's changes, written before they are made: `stress --recover` reads it after a `kill -9`.

The file exists as long as the run has changes to undo. Removed ports, links and nodes need no entry:
`Network.repair` compares the kernel with the graph. The graph doesn't know the shape of a link before
the run, nor the networks that a ramp brought up. `emulator.stress_recovery` restores them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from emulator.atomic_write import write_atomically
from emulator.errors import BrokenError
from emulator.network import LinkState


class Journal:
    """Small file beside the network's run record; without a path nothing is written."""

    def __init__(self, path: Path | None, links: Mapping[int, LinkState] | None = None) -> None:
        self._path = path
        self._links = dict(links or {})
        self._changed: dict[int, None] = {}
        self._networks: list[str] = []
        self._begun = False

    @property
    def path(self) -> Path | None:
        """Path of the file; it is also the tag of the run's commands."""
        return self._path

    def begin(self) -> None:
        """Write the file before anything is changed: its presence means that changes are left to undo."""
        self._write()
        self._begun = True

    @property
    def lost(self) -> bool:
        """Return whether the file is gone: only `down` removes it, with the network's folder."""
        return self._begun and self._path is not None and not self._path.exists()

    def require(self) -> None:
        """Raise BrokenError when the network was taken down, even if another of its name is up now."""
        if self.lost:
            raise BrokenError("the network was taken down during the stress run; the run stops")

    def before(self, link: int) -> LinkState:
        """Return the state of `link` before the run."""
        return self._links.get(link, LinkState())

    @property
    def changed(self) -> list[int]:
        """Links that were changed and not restored yet; none when the network is gone."""
        return [] if self.lost else list(self._changed)

    def will_change(self, link: int) -> None:
        """Note that `link` will be changed."""
        self.will_change_all([link])

    def will_change_all(self, links: Iterable[int]) -> None:
        """Note that `links` will be changed."""
        if new := [link for link in links if link not in self._changed]:
            self.require()
            self._changed |= dict.fromkeys(new)
            self._write()

    def note_restored(self, link: int) -> None:
        """Note that `link` is restored; in memory only: restoring twice does no harm."""
        self._changed.pop(link, None)

    @property
    def networks(self) -> list[str]:
        """Networks that a ramp brought up and that aren't down yet."""
        return list(self._networks)

    def will_grow(self, name: str) -> None:
        """Note that the network `name` will be brought up."""
        self.require()
        self._networks.append(name)
        self._write()

    def is_down(self, name: str) -> None:
        """Note that the network `name` is down again (or was never up); in memory only."""
        self._networks.remove(name)

    def close(self) -> None:
        """Remove the file: everything is restored."""
        self._begun = False
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        if self._path is None:
            return
        links = {str(link): asdict(self.before(link)) for link in self._changed}
        try:
            write_atomically(self._path, json.dumps({"links": links, "networks": self._networks}))
        except OSError as error:
            raise BrokenError(
                f"can't write {self._path}: {error.strerror}; nothing more is changed"
            ) from error
