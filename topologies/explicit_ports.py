"""Port numbers, interface names and addresses of ports that a file of nodes and links states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from topologies.builder import number_ports
from topologies.errors import MAX_FOUND, Loc, ParameterError, ParametersError
from topologies.spec.explicit import Link, NodeEntry
from topologies.spec.routes import port_of
from topologies.topology import I32, U8, Kind

Nodes = Mapping[str, NodeEntry | None]
Interfaces = dict[int, list[tuple[int, str]]]


def explicit_ports(nodes: Nodes, links: Sequence[Link], ends: I32, kinds: U8, loc: Loc) -> I32:
    """Return the port numbers (int32[m, 2]): the stated ones, and the lowest free ones elsewhere.

    `loc` is the place of the topology in the file. ParametersError for a port of two links, and for a host
    without port 0, where its address is.
    """
    stated = [(at, end, port) for at, (_, _, options) in enumerate(links) if options.ports
              for end, port in enumerate(options.ports) if port is not None]  # fmt: skip
    if not stated:
        return number_ports(ends, kinds)
    names, errors = list(nodes), []
    ports = np.full(ends.shape, -1, dtype=np.int32)
    used: dict[int, set[int]] = {}
    for at, end, port in stated:
        node = int(ends[at, end])
        mine = used.setdefault(node, set())
        place = (*loc, "links", at, 2, "ports", end)
        if port == 0 and kinds[node] != Kind.HOST:
            words = f"ports of a {Kind(kinds[node]).word} count from 1; `{names[node]}` has no port 0"
            errors.append(ParameterError(place, words))
        elif port in mine:
            errors.append(ParameterError(place, f"port {port} of `{names[node]}` is used by two links"))
        mine.add(port)
        ports[at, end] = port
    ParametersError.raise_any(errors[:MAX_FOUND])
    following: dict[int, int] = {}
    for at, end in np.argwhere(ports < 0).tolist():
        node = int(ends[at, end])
        port = following.get(node, 0 if kinds[node] == Kind.HOST else 1)
        while port in used.get(node, ()):
            port += 1
        ports[at, end], following[node] = port, port + 1
        used.setdefault(node, set()).add(port)
    for at, end, _ in stated:
        node = int(ends[at, end])
        if kinds[node] == Kind.HOST and 0 not in used[node]:
            words = f"`{names[node]}` has no port 0, where a host's address is; give it to one of its links"
            errors.append(ParameterError((*loc, "links", at, 2, "ports", end), words))
    ParametersError.raise_any(errors[:MAX_FOUND])
    return ports


def explicit_interfaces(nodes: Nodes, links: Sequence[Link], ends: I32, ports: I32, loc: Loc) -> Interfaces:
    """Return the interface names of the file by node, with their ports. ParametersError for duplicates."""
    out: Interfaces = {}
    names, errors = list(nodes), []
    for at, (_, _, options) in enumerate(links):
        for end, text in enumerate(options.interfaces or ()):
            if text is None:
                continue
            node = int(ends[at, end])
            mine = out.setdefault(node, [])
            if text == names[node] or any(text == other for _, other in mine):
                words = f"`{names[node]}` has an interface {text} already; give each a name of its own"
                errors.append(ParameterError((*loc, "links", at, 2, "interfaces", end), words))
            mine.append((int(ports[at, end]), text))
    if out:
        errors += _like_computed(names, ends, ports, out, loc)
    ParametersError.raise_any(errors[:MAX_FOUND])
    return out


def _like_computed(
    names: list[str], ends: I32, ports: I32, explicit: Interfaces, loc: Loc
) -> Iterator[ParameterError]:
    """Yield names that are the computed one of another port of the node."""
    for (at, end), node in np.ndenumerate(ends):
        own = dict(explicit.get(int(node), ()))
        port = int(ports[at, end])
        computed = f"{names[int(node)]}-eth{port}"
        if port not in own and computed in own.values():
            words = f"`{names[int(node)]}` has {computed} at port {port} already; give that port a name, too"
            yield ParameterError((*loc, "links", int(at)), words)


def check_addresses(nodes: Nodes, ends: I32, ports: I32, loc: Loc) -> None:
    """Raise ParametersError for addresses of ports that don't exist."""
    if not any(entry is not None and entry.addresses for entry in nodes.values()):
        return
    errors = []
    for node, (name, entry) in enumerate(nodes.items()):
        for port in entry.addresses or () if entry else ():
            known = ports[ends == node].tolist()
            if port_of(port) not in known:
                have = ", ".join(f"eth{number}" for number in sorted(known)[:8]) or "none"
                words = f"`{name}` has no {port}: its links give it {have}"
                errors.append(ParameterError((*loc, "nodes", name, "addresses", port), words))
    ParametersError.raise_any(errors[:MAX_FOUND])
