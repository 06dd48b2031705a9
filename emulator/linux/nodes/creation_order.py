"""Order in which the nodes of a part are created, and the place where each link's ends are created.

Nodes are created one after the other, forwarding nodes before hosts. A node is created together with all
its links to existing nodes. The main end of a link is the older node's: one message creates it, makes it a
port of its bridge and brings it up. But kernels before 6.15 look up the main end's index in the socket's
namespace, even if the end is created elsewhere, and report EEXIST. So a node that may have ports already
makes its own end the main one. The older node then sets up the other end in a second batch.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import Role
from emulator.forwarding.spanning_tree import bridging_nodes
from emulator.plan_part import PlanPart
from topologies.topology import I64, Kind

Bools = npt.NDArray[np.bool_]

_RUN, _RUN_LINKS = 64, 128


class MakingOrder:
    """Order in which the nodes of `part` are created, and its consequences for links.

    By nodes' rows: `sequence` int64[k] holds rows in order, `turn` int64[k] is each node's position in it.
    `pending` (bool[k]) marks nodes that need a second batch once all nodes exist. These are nodes with
    tunnels, and nodes whose end of a link to a newer node must still be addressed, shaped or brought up. By
    rows of links and tunnels: `second_batch` (bool[l + t]) marks those of such ends, `newer_is_main`
    (bool[l + t]) the links whose main end is the newer node's. The other end of a tunnel counts as newer.

    With `running`, the nodes may have all their ports already. Without it, they have only those to older
    nodes.
    """

    def __init__(self, part: PlanPart, *, running: bool = False) -> None:
        self._part = part
        topology, rows = part.topology, np.arange(len(part.links))
        self.sequence = creation_order(part)
        self.turn: I64 = np.empty_like(self.sequence)
        self.turn[self.sequence] = np.arange(len(self.sequence))
        turns = self.turn[part.ends]
        older_end = np.argmin(turns, axis=1)
        newer, older = part.ends[rows, 1 - older_end], part.ends[rows, older_end]
        ports = np.bincount(newer, minlength=len(self.turn)) + part.tunnel_counts
        if running:
            ports = topology.degrees[part.nodes]
        shared = np.array(part.shared, dtype=bool)[part.ends].any(axis=1)
        tunnels = len(part.tunnels.link)
        self.newer_is_main: Bools = np.append((ports[newer] > 1) & ~shared, np.zeros(tunnels, dtype=bool))
        plain = np.array([[p.forward.is_plain, p.backward.is_plain] for p in topology.link_profiles])
        addressed = part.roles == Role.ADDRESSED
        needs = addressed | ~plain[topology.link_profile[part.wires]]
        early = np.append(older_end, part.tunnels.end)
        self.second_batch: Bools = needs[np.arange(len(early)), early] | self.newer_is_main
        self.pending: Bools = np.zeros(len(self.turn), dtype=bool)
        self.pending[older[self.second_batch[rows]]] = True
        self.pending[part.tunnel_counts > 0] = True  # their routes wait until the tunnels exist
        # IPv6 accepts a gateway only on a wire with a carrier: routes over a wire wait for its older end
        self.pending[part.ends[addressed[rows].all(axis=1)]] = True

    @property
    def nodes(self) -> list[int]:
        """Nodes in creation order."""
        return self._part.nodes[self.sequence].tolist()  # type: ignore[no-any-return]

    @property
    def pending_nodes(self) -> list[int]:
        """Nodes that need a second batch, ascending."""
        return self._part.nodes[self.pending].tolist()  # type: ignore[no-any-return]

    def runs(self) -> Iterator[list[int]]:
        """Yield the nodes in runs of up to 64 without links among each other.

        The messages of a run can be written before its first node is created. Written together, while the
        interpreter is warm, they take a third of the time. A run has at most 128 links to older nodes,
        unless it is a single node.
        """
        turns = self.turn[self._part.ends]
        newer = turns.max(axis=1)
        latest = np.full(len(self.sequence), -1, dtype=np.int64)
        np.maximum.at(latest, newer, turns.min(axis=1))
        neighbours: list[int] = latest.tolist()
        links: list[int] = np.bincount(newer, minlength=len(self.sequence)).tolist()
        nodes = self.nodes
        start = total = 0
        for at in range(len(nodes)):
            total += links[at]
            if at > start and (at - start == _RUN or neighbours[at] >= start or total > _RUN_LINKS):
                yield nodes[start:at]
                start, total = at, links[at]
        yield nodes[start:]


def creation_order(part: PlanPart) -> I64:
    """Return the nodes' rows (int64[k]) in creation order: forwarding nodes, then hosts by switch.

    Hosts of one switch follow each other, so that few namespaces need to be open at a time. A switch on
    another machine counts too, so a part has the same order as the whole network.
    """
    topology, count = part.topology, len(part.nodes)
    passes = (bridging_nodes(topology) | (topology.kinds == Kind.ROUTER))[part.nodes]
    nearest = np.full(count, topology.node_count, dtype=np.int64)
    for end in (0, 1):
        np.minimum.at(nearest, part.ends[:, end], topology.ends[part.links, 1 - end])
    link, end_here = part.tunnels.link, part.tunnels.end
    np.minimum.at(nearest, part.tunnel_rows, topology.ends[link, 1 - end_here])
    nearest[passes] = 0
    return np.lexsort((np.arange(count), nearest, ~passes))
