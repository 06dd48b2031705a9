"""Find the nodes and links that names stand for, on the command line and in scripts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emulator.errors import UsageError
from emulator.interface.values import text_of, whole_of
from emulator.network import Network
from topologies.counting import some_names
from topologies.names import NETWORK_NAME
from topologies.suggestions import nearest
from topologies.topology import Topology

_MOST_NAMES = 20_000
"""Most names that are searched for a similar one."""


def checked_name(name: str) -> str:
    """Return `name` if it is a valid name of a network; it becomes a path, so nothing else passes."""
    if not NETWORK_NAME.fullmatch(text_of(name, "the network's name")):
        raise UsageError(f"`{name}` isn't the name of a network (a-z, 0-9 and `-`, up to 32 characters)")
    return name


def found_node(network: Network, name: str) -> int:
    """Return the node called `name`; UsageError when there is none."""
    names = network.topology.names
    found = names.find(text_of(name, "the node's name"))
    if found is None:
        hint = f"; {nearest(name, names)}" if len(names) <= _MOST_NAMES else ""
        raise UsageError(f"there is no node `{name}` in `{network.name}`{hint}")
    return found


def matching_nodes(network: Network, pattern: str) -> list[int]:
    """Return the nodes that `pattern` matches; UsageError if there are none."""
    found: list[int] = network.topology.names.match(text_of(pattern, "the pattern of nodes")).tolist()
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


def peers_of(network: Network, node: int) -> npt.NDArray[np.int64]:
    """Return the nodes that a link joins with `node`, each once, in order."""
    topology = network.topology
    return np.unique([topology.ends[link, 1 - end] for link, end, _ in topology.incident(node)]).astype(
        np.int64
    )


def _between(topology: Topology, a: int, b: int) -> list[tuple[int, bool]]:
    """Return the links between two nodes, ascending, and whether the file names these in reverse."""
    found = topology.incident(a)
    return sorted((link, bool(end)) for link, end, _ in found if topology.ends[link, 1 - end] == b)


def parallel_links(topology: Topology, link: int) -> list[int]:
    """Return the links between the same nodes as `link`, itself included, ascending."""
    return [one for one, _ in _between(topology, *topology.ends[link].tolist())]


def find_link(network: Network, a: str, b: str, index: int | None) -> tuple[int, bool]:
    """Return the link between nodes `a` and `b`, and whether the file names them in reverse."""
    if index is not None:
        whole_of(index, "the link's index", 0, 2**31 - 1)
    first, second = (matching_nodes(network, name) for name in (a, b))
    if len(first) > 1 or len(second) > 1:
        raise UsageError(f"`{a if len(first) > 1 else b}` matches several nodes; name one")
    topology, node, other = network.topology, first[0], second[0]
    found = _between(topology, node, other)
    if not found:
        names = some_names(topology.names.take(peers_of(network, node)))
        raise UsageError(f"no link joins {a} and {b}; {a} is linked to {names or 'nothing'}")
    if index is None and len(found) > 1:
        raise UsageError(f"{len(found)} links join {a} and {b}; choose one: --index 0 to {len(found) - 1}")
    if not 0 <= (index or 0) < len(found):
        raise UsageError(f"--index {index}: {a} and {b} have links 0 to {len(found) - 1}")
    return found[index or 0]
