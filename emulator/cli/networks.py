"""Find the network that a command names."""

from __future__ import annotations

from emulator.cli.elevate import ensure_root_for
from emulator.engines.registry import attach
from emulator.errors import UsageError
from emulator.interface.finding import checked_name
from emulator.network import Network


def chosen_network(name: str | None, *, change: bool = False) -> Network:
    """Return the network `name`, or the only one that is up, for reading or for a `change`.

    Restarts the command as root if this network needs it.
    """
    if name is not None:
        ensure_root_for(checked_name(name), change=change)
        return attach(name)
    known = ensure_root_for(None, change=change)
    if not known:
        raise UsageError("no network is up; `emulator up FILE` starts one")
    if len(known) > 1:
        raise UsageError(f"several networks are up ({', '.join(known)}); name one")
    return attach(known[0])
