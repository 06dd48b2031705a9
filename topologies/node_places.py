"""Place in the file of what a node is: a rule, the node's own entry, or a key of the whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from topologies.errors import Loc
from topologies.matching import node_mask
from topologies.topology import Topology

if TYPE_CHECKING:
    from topologies.spec.model import Spec


Mask = npt.NDArray[np.bool_]


class NodePlaces:
    """Places in the file of `spec`, for errors that only the whole graph shows."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec

    def matched(self, topology: Topology, place: Loc) -> Mask | None:
        """Return the nodes that the rule at `place` matches (bool[n]); None for a place in no rule."""
        if place[0] != "nodes":
            return None
        return node_mask(topology, self._spec.nodes[int(place[1])].match)

    def of(self, topology: Topology, node: int, key: str) -> Loc:
        """Return the place of `key` of `node`: the last rule that sets it, else the node's entry.

        `topology` may have its nodes in another order than the file: rules match names, tiers and kinds.
        """
        for at, rule in reversed(list(enumerate(self._spec.nodes))):
            if getattr(rule, key, None) is not None and node_mask(topology, rule.match)[node]:
                return ("nodes", at, key)
        own = topology.explicit.get(node)
        if key == "fidelity" and key in self._spec.model_fields_set and not (own and own.fidelity):
            return (key,)
        return ("topology", "nodes", topology.names[node], key)
