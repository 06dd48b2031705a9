"""MACs in a file that another node would get, too: computed ones follow from indices and addresses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from topologies.errors import MAX_FOUND, ParameterError
from topologies.identifiers import mac
from topologies.segments import BRIDGE_PORT
from topologies.topology import Kind, Topology

_NODE, _VPC = 0x02, 0x06
"""First bytes of computed MACs: see `identifiers.mac` and `Vpcs.mac`."""


def taken_macs(topology: Topology) -> list[ParameterError]:
    """Return an error for each MAC of the file that is computed for a port without one."""
    out: list[ParameterError] = []
    for node, values in topology.explicit.items():
        for port, text in values.macs:
            given = bytes.fromhex(text.replace(":", ""))
            owner = next((at for at in _owners(topology, given) if at != (node, port)), None)
            if owner is None:
                continue
            name = topology.names[owner[0]]
            words = f"{text} is the computed MAC of `{name}`; use another, such as one that begins with 0a"
            out.append(ParameterError(("topology", "nodes", topology.names[node], "mac"), words))
            if len(out) == MAX_FOUND:
                return out
    return out


def _owners(topology: Topology, given: bytes) -> Iterator[tuple[int, int]]:
    """Yield the ports (node and number) that have the MAC `given` because it is computed for them."""
    if given[0] == _NODE:
        node, port = int.from_bytes(given[1:4]) - 1, int.from_bytes(given[4:])
        if 0 <= node < topology.node_count and port in _ports(topology, node):
            values = topology.explicit.get(node)
            stated = {at for at, _ in values.macs} if values else set()
            if port not in stated and mac(topology, node, port) == given:
                yield node, port
    elif given[0] == _VPC and topology.vpcs is not None:
        for node in np.flatnonzero(topology.vpcs.addresses == int.from_bytes(given[2:])).tolist():
            if mac(topology, node, 0) == given:
                yield node, 0


def _ports(topology: Topology, node: int) -> set[int]:
    """Return the numbers of a node's ports; of a switch also that of its bridge."""
    bridge = topology.kinds[node] == Kind.SWITCH or topology.node_profile_of(node).relay
    return {port for _, _, port in topology.incident(node)} | ({BRIDGE_PORT} if bridge else set())
