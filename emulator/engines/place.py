"""Where a network's namespaces are kept, and who may make them."""

from __future__ import annotations

import os

from emulator.errors import UnableError
from emulator.linux.namespaces import NamespaceStore
from emulator.linux.rights import lacking_rights
from emulator.state import NetworkState


def require_root() -> None:
    """Raise UnableError unless this process may make namespaces."""
    if os.geteuid() != 0:
        raise UnableError("making network namespaces needs root; run it under sudo")
    if reason := lacking_rights():
        raise UnableError(reason)


def store_of(state: NetworkState) -> NamespaceStore:
    """Return the namespaces of the network whose state this is."""
    return NamespaceStore(state.pin_path, state.folder / "ns")
