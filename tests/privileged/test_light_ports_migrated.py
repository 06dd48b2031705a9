"""Light ports that move between all kinds of namespaces: stacks of compute hosts, and those of tenants."""

from __future__ import annotations

from pathlib import Path

import pytest

import emulator
from emulator.errors import RefusedError

pytestmark = pytest.mark.privileged

# `shared` has a namespace for each VPC, since they have the same addresses; `alone` has its own stack.
TEXT = """
name: moved
vpcs: {blue: 10.1.0.0/16, red: 10.1.0.0/16}
topology:
  nodes:
    s1: {kind: switch}
    alone: {}
    shared: {}
    web: {fidelity: light, vpc: blue}
    db: {fidelity: light, vpc: blue}
    other: {fidelity: light, vpc: red}
  links: [[alone, s1], [shared, s1], [web, alone], [db, shared], [other, shared]]
"""
MOVES = [("db", "alone"), ("web", "shared"), ("db", "shared"), ("web", "alone"), ("db", "alone")]


def test_a_port_moves_between_all_kinds_of_namespaces(tmp_path: Path, state_dir: Path) -> None:
    file = tmp_path / "moved.yaml"
    file.write_text(TEXT)
    with emulator.up(file) as net:
        for node in net:  # what is told is what the kernel has
            there = node.run(["ls", "/sys/class/net"]).output.split()
            if node.name in ("alone", "shared", "s1"):
                own = {one.name for one in node.interfaces}
                assert own <= set(there), node
                assert len(own) == len([name for name in there if name.startswith(f"{node.name}-")]), node
        for port, host in MOVES:
            net.migrate(port, host)
            assert net.deviations() == [], (port, host)
            assert net.check(timeout=0.3).is_right, (port, host)
        with pytest.raises(RefusedError, match="`alone` has no namespace for the addresses of `other`"):
            net.migrate("other", "alone")
