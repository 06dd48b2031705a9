"""VXLAN network identifiers (VNIs) that networks use on this machine, recorded before their devices are made.

Within one network namespace, a VNI exists once for each UDP port: the kernel refuses a second device. Our
devices are in nodes' namespaces, where no list of the machine shows them. So the ledger has their VNIs: for
each network the namespace of its underlay, the UDP port, the first VNI and their count.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from emulator.errors import UnableError
from emulator.linux.ledgers.ledger_file import LedgerFile, ledger_place
from emulator.linux.ledgers.owners import Owner


class VniSpan(NamedTuple):
    """VNIs on one UDP port: `first` and the `size - 1` that follow."""

    port: int
    first: int
    size: int

    def meets(self, other: VniSpan) -> bool:
        """Return whether both have a VNI in common."""
        overlap = self.first < other.first + other.size and other.first < self.first + self.size
        return overlap and self.port == other.port

    def __str__(self) -> str:
        last = self.first + self.size - 1
        return f"VNI {self.first:,}" if self.size == 1 else f"VNIs {self.first:,} to {last:,}"


Entries = dict[str, dict[str, Any]]
"""Owner -> {"underlay": inode of its network namespace, "spans": [[port, first, size]]}."""


def _entries_of(data: Any) -> Entries:
    return {
        str(Owner.parsed(owner)): {
            "underlay": int(entry["underlay"]),
            "spans": [list(VniSpan(*map(int, span))) for span in entry["spans"]],
        }
        for owner, entry in data.items()
    }


class VniLedger:
    """The machine's ledger of VNIs."""

    def __init__(self, place: Path | None = None) -> None:
        self._file = LedgerFile(place or ledger_place(), "vnis.json", _entries_of)

    def require(self, owner: Owner, underlay: int, spans: list[VniSpan]) -> list[str]:
        """Record that `owner` uses `spans` in the network namespace with inode `underlay`, and nothing else.

        Returns the networks that use any of them there, in words; then nothing is recorded.
        """
        if not spans:
            self.release(owner)
            return []
        with self._file.locked() as entries:
            _drop_gone(entries)
            met = [
                f"network `{Owner.parsed(other).name}` has {span} on UDP port {span.port}"
                for other, span in _spans(entries, underlay)
                if other != str(owner) and any(span.meets(wanted) for wanted in spans)
            ]
            if not met:
                entries[str(owner)] = {"underlay": underlay, "spans": [list(span) for span in spans]}
                self._file.save(entries)
        return met

    def release(self, owner: Owner) -> None:
        """Forget the VNIs of `owner`, and those of removed networks."""
        if not self._file.exists:
            return
        with self._file.locked() as entries:
            entries.pop(str(owner), None)
            _drop_gone(entries)
            with suppress(UnableError):  # a full disk: the entries of removed networks don't count
                self._file.save(entries)

    def taken(self, underlay: int, without: Owner | None = None) -> list[tuple[str, VniSpan]]:
        """Return (name of the network, its VNIs) in the network namespace with inode `underlay`.

        Those of the owner `without` aren't among them.
        """
        entries = self._file.entries()
        _drop_gone(entries)
        return [
            (Owner.parsed(owner).name, span)
            for owner, span in _spans(entries, underlay)
            if owner != str(without)
        ]

    def held(self, owner: Owner, underlay: int) -> list[VniSpan]:
        """Return the VNIs of `owner` in the network namespace with inode `underlay`."""
        return [span for holder, span in _spans(self._file.entries(), underlay) if holder == str(owner)]


def _spans(entries: Entries, underlay: int) -> list[tuple[str, VniSpan]]:
    return [
        (owner, VniSpan(*span))
        for owner, entry in entries.items()
        if entry["underlay"] == underlay
        for span in entry["spans"]
    ]


def _drop_gone(entries: Entries) -> None:
    for owner in [owner for owner in entries if Owner.parsed(owner).is_gone()]:
        del entries[owner]
