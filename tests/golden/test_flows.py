"""Files in `flows/` give exactly the groups and flows of their `.expected`: all links up, and the first down.

After a change: UPDATE_GOLDEN=1 pytest tests/golden/test_flows.py, then read the difference line by line.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from support.golden import recorded

from emulator.forwarding.flow_problems import problems
from emulator.forwarding.flows import computed
from emulator.forwarding.select import forwarding_for
from topologies.build import build
from topologies.spec.load import load
from topologies.topology import Topology

FILES = sorted((Path(__file__).parent / "flows").glob("*.yaml"))
MODES: tuple[Literal["tree"], Literal["ecmp"]] = ("tree", "ecmp")


def tables(topology: Topology, down: int | None) -> Iterator[str]:
    up = np.ones(topology.link_count, dtype=bool)
    if down is not None:
        up[down] = False
    forwarding = forwarding_for(topology, up)
    assert problems(topology, forwarding) == []
    for mode in MODES:
        found = computed(topology, forwarding, mode, up)
        for switch, flows in found.flows.items():
            yield f"{topology.names[switch]} ({mode})"
            yield from (f"  {line}" for line in (*found.groups[switch], *flows))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_flows_are_these(path: Path) -> None:
    topology = build(load(path))
    a, b = (topology.names[node] for node in topology.ends[0].tolist())
    text = "\n".join([*tables(topology, None), "", f"{a} -- {b} is down:", *tables(topology, 0), ""])
    assert text == recorded(path.with_suffix(".expected"), text)
