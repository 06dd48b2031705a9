"""Forwarding of IPv4 on the machine (net.ipv4.ip_forward) while networks with a way out need it.

Setting it changes the forwarding of every interface, and net.ipv4.conf.all.accept_redirects
(net/ipv4/devinet.c, inet_forward_change). So all of these are recorded before. The setting belongs to a
network namespace, so the ledger has an entry for each in which networks were brought up.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from emulator.errors import UnableError
from emulator.linux.ledgers.ledger_file import LedgerFile, ledger_place
from emulator.linux.ledgers.owners import Owner
from emulator.linux.namespaces.network_identity import processes_in
from emulator.linux.sysctl import read

NAME = "forwarding.json"
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_CONF = Path("/proc/sys/net/ipv4/conf")
_REDIRECTS = _CONF / "all" / "accept_redirects"

Entries = dict[str, dict[str, Any]]


def _entries_of(data: Any) -> Entries:
    for entry in data.values():
        for owner in entry["owners"]:
            Owner.parsed(owner)
        if not isinstance(entry["interfaces"], list):
            raise TypeError
        int(entry["forward"])
        int(entry["redirects"])
    return cast("Entries", data)


def forwards_here() -> bool:
    """Return whether this thread's namespace forwards IPv4."""
    return read("net.ipv4.ip_forward") == "1"


class ForwardingLedger:
    """The machine's ledger of forwarding; `namespace` is the identity of the namespace this thread is in."""

    def __init__(self, place: Path | None = None) -> None:
        self._file = LedgerFile(place or ledger_place(), NAME, _entries_of)

    def require(self, owner: Owner, namespace: str) -> None:
        """Switch forwarding on while `owner` exists; UnableError where the kernel refuses."""
        with self._file.locked() as entries:
            self._drop_gone(entries)
            entry = entries.setdefault(namespace, {**_state_here(), "owners": []})
            if str(owner) not in entry["owners"]:
                entry["owners"].append(str(owner))
            self._file.save(entries)
            if not forwards_here():
                _write(_FORWARD, "1")

    def release(self, owner: Owner, namespace: str) -> None:
        """Drop the need of `owner`; the last one restores what was there, unless it was changed meanwhile."""
        if not self._file.exists:
            return
        with self._file.locked() as entries:
            self._drop_gone(entries)
            entry = entries.get(namespace)
            if entry is None:
                self._file.save(entries)
                return
            entry["owners"] = [text for text in entry["owners"] if text != str(owner)]
            if not entry["owners"]:
                _restore(entry)
                del entries[namespace]
            self._file.save(entries)

    @staticmethod
    def _drop_gone(entries: Entries) -> None:
        """Drop networks that are gone; an entry without any is a namespace that ended with its container."""
        for namespace, entry in list(entries.items()):
            entry["owners"] = [text for text in entry["owners"] if not Owner.parsed(text).is_gone()]
            if not entry["owners"] and next(processes_in(namespace), None) is None:
                del entries[namespace]


def _state_here() -> dict[str, Any]:
    """Return what switching forwarding on changes in this thread's namespace."""
    on = [name for name in sorted(os.listdir(_CONF)) if _is_on(_CONF / name / "forwarding")]
    redirects = _REDIRECTS.read_text(encoding="ascii").strip()
    return {"forward": int(forwards_here()), "redirects": int(redirects), "interfaces": on}


def _is_on(path: Path) -> bool:
    with suppress(OSError):  # an interface that vanished
        return path.read_text(encoding="ascii").strip() == "1"
    return False


def _restore(entry: dict[str, Any]) -> None:
    """Restore the state of an entry: not where forwarding was on before, or is off by somebody's hand."""
    if entry["forward"] or not forwards_here():
        return
    _write(_FORWARD, "0")
    for name in entry["interfaces"]:
        path = _CONF / str(name) / "forwarding"
        if name != "all" and path.exists():
            _write(path, "1")
    _write(_REDIRECTS, str(entry["redirects"]))


def _write(path: Path, value: str) -> None:
    try:
        path.write_text(value, encoding="ascii")
    except OSError as error:
        name = ".".join(path.relative_to("/proc/sys").parts)
        raise UnableError(f"{name} can't be set to {value}: {error.strerror}") from error
