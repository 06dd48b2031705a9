"""Sysctls: those of a namespace being made, and global ones that are put back afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from emulator.errors import UnableError
from emulator.locks import locked


def _write(path: str, value: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, value)
    finally:
        os.close(descriptor)


def disable_ipv6_here() -> None:
    """Keep IPv6 off every interface that this thread's namespace will get.

    One write per namespace; thousands of them are slow (equal names pile up in one dentry hash
    chain), so hosts do without and use a message per link.
    """
    try:
        _write("/proc/sys/net/ipv6/conf/default/disable_ipv6", b"1")
    except FileNotFoundError:  # a kernel without IPv6
        return


def read(name: str) -> str:
    """Return the value of the sysctl `name` (dots), stripped."""
    return Path("/proc/sys", *name.split(".")).read_text(encoding="ascii").strip()


def write(name: str, value: str) -> None:
    """Set the sysctl `name`; raise UnableError when this machine doesn't allow it."""
    path = Path("/proc/sys", *name.split("."))
    try:
        path.write_text(value, encoding="ascii")
    except OSError as error:
        raise UnableError(
            f"can't set sysctl {name} to {value}: {error.strerror}; set it by hand as root"
        ) from error


class Ledger:
    """Global sysctls that networks raised, written down before they are changed.

    The file maps each sysctl to its original value, to the values that were set, and to what each
    network needs. The value in force is the largest of all; when the last network that needs one
    goes, the original is put back, unless somebody else has changed it meanwhile.
    """

    def __init__(self, root: Path) -> None:
        self._path = root / "sysctls.json"
        self._lock = root / ".sysctls.json.lock"  # the name of no network's lock

    @contextmanager
    def _locked(self) -> Iterator[dict[str, dict[str, Any]]]:
        with locked(self._lock, wait=True):
            yield self._entries()

    def _entries(self) -> dict[str, dict[str, Any]]:
        """Return what the file says; nothing, when it is no ledger: `down` must work whatever is there."""
        try:
            entries = json.loads(self._path.read_bytes())
            for entry in entries.values():
                if not isinstance(entry["needs"], dict) or not isinstance(entry["set"], list):
                    return {}
                int(entry["original"])
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}
        return cast("dict[str, dict[str, Any]]", entries)

    def _save(self, entries: dict[str, dict[str, Any]]) -> None:
        if not entries:
            self._path.unlink(missing_ok=True)
            self._lock.unlink(missing_ok=True)
            return
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(entries), encoding="utf-8")
        part.replace(self._path)

    def require(self, network: str, needs: dict[str, int]) -> None:
        """Make each sysctl of `needs` at least the given value, for as long as `network` is there."""
        with self._locked() as entries:
            changes: dict[str, int] = {}
            for name, value in needs.items():
                current = int(read(name))
                entry = entries.get(name)
                if entry is None and current >= value:
                    continue
                entry = entries.setdefault(name, {"original": current, "set": [], "needs": {}})
                entry["needs"][network] = value
                if value > current:
                    changes[name] = value
                    entry["set"].append(value)
            self._save(entries)
            for name, value in changes.items():
                write(name, str(value))

    def networks(self) -> set[str]:
        """Return the networks that the ledger knows."""
        if not self._path.exists():
            return set()
        with self._locked() as entries:
            return {network for entry in entries.values() for network in entry["needs"]}

    def release(self, network: str) -> None:
        """Forget what `network` needed and put back what nobody needs any more."""
        if not self._path.exists():
            return
        with self._locked() as entries:
            for name, entry in list(entries.items()):
                if entry["needs"].pop(network, None) is None:
                    continue
                if not entry["needs"]:
                    if int(read(name)) in entry["set"]:
                        write(name, str(entry["original"]))
                    del entries[name]
            self._save(entries)
