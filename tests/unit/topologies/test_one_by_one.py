"""Single nodes are found in columns that are computed for many at a time, each once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from topologies.one_by_one import OneByOne


def test_each_node_is_found_and_only_what_is_near_is_computed() -> None:
    computed: list[npt.NDArray[np.int64]] = []

    def compute(nodes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        computed.append(nodes)
        return nodes * 10

    view = OneByOne(compute, 2500)
    for node in (0, 1023, 1024, 2499, 1):
        columns, position = view.at(node)
        assert columns[position] == node * 10
    assert [(int(nodes[0]), len(nodes)) for nodes in computed] == [(0, 1024), (1024, 1024), (2048, 452)]
