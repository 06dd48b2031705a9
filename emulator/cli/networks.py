"""Find the network and the nodes that a command names."""

from __future__ import annotations

from emulator.cli.elevate import ensure_root_for
from emulator.engines.registry import attach
from emulator.errors import UsageError
from emulator.network import Network
from topologies.names import NETWORK_NAME
from topologies.suggestions import nearest

_MOST_NAMES = 20_000
"""Most names that are searched for a similar one."""


def checked_name(name: str) -> str:
    """Return `name` if it is a valid name of a network; it becomes a path, so nothing else passes."""
    if not NETWORK_NAME.fullmatch(name):
        raise UsageError(f"`{name}` isn't the name of a network (a-z, 0-9 and `-`, up to 32 characters)")
    return name


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


def found_node(network: Network, name: str) -> int:
    """Return the node called `name`; UsageError when there is none."""
    names = network.topology.names
    found = names.find(name)
    if found is None:
        hint = f"; {nearest(name, names)}" if len(names) <= _MOST_NAMES else ""
        raise UsageError(f"there is no node `{name}` in `{network.name}`{hint}")
    return found


def matching_nodes(network: Network, pattern: str) -> list[int]:
    """Return the nodes that `pattern` matches; UsageError if there are none."""
    found: list[int] = network.topology.names.match(pattern).tolist()
    if not found:
        everything = network.topology.names
        hint = nearest(pattern, everything) if len(everything) <= _MOST_NAMES else "see `emulator status`"
        hint = (
            hint
            if hint.startswith("did")
            else f"names go from {everything[0]} to {everything[len(everything) - 1]}"
        )
        raise UsageError(f"no node of `{network.name}` matches `{pattern}`; {hint}")
    return found
