"""One worker's part of a plan is made in this kernel: its nodes and links as in the whole, no tunnels."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emulator.linux.namespaces.guard import namespace_guard
from emulator.linux.namespaces.mounts import ensure_private, unmount_all
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.deploy import create_nodes
from emulator.network import silent
from emulator.placement.worker import numbered
from emulator.plan import Plan
from topologies.build import build
from topologies.spec.load import load_text

pytestmark = pytest.mark.privileged

TEXT = """\
name: t
addressing: {ipv6: "fd00::/64"}
topology: {generator: fat-tree, k: 4}
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[NamespaceStore]:
    pins = tmp_path / "pins"
    ensure_private(pins)
    (tmp_path / "ns").mkdir()
    (pins / "t").touch()
    made = NamespaceStore(pins / "t", tmp_path / "ns")
    yield made
    made.release()
    unmount_all(pins)


def ip(*words: str) -> list[dict[str, Any]]:
    out = subprocess.run(["ip", "-j", *words], check=True, capture_output=True, text=True).stdout
    found: list[dict[str, Any]] = json.loads(out or "[]")
    return found


def test_a_part_has_its_nodes_and_links_as_the_whole_has_them(store: NamespaceStore) -> None:
    topology = build(load_text(TEXT))
    placement = (np.arange(topology.node_count) % 2).astype(np.int32)  # hosts, and switches, on both
    plan = Plan(topology, "netns", placement, numbered(2))
    part = plan.part(1)
    assert len(part.links)
    assert len(part.tunnels.link)
    with namespace_guard("net", "mnt"):
        store.create()
        create_nodes(part, store, silent)
        assert store.files() == sorted(part.names)
        for node in part.nodes.tolist():
            store.go(topology.names[node])
            interfaces = {found["ifname"]: found for found in ip("address")}
            ends = [end for end in topology.incident(node) if not plan.cut[end.link]]
            for end in ends:
                found = interfaces.pop(f"{topology.names[node]}-eth{end.port}")
                assert found["ifindex"] == plan.indices.ends[end.link][end.end]
                assert found["operstate"] == "UP"
            there = {
                (address["local"], address["prefixlen"])
                for found in ip("address")
                for address in found["addr_info"]
                if found["ifname"] != "lo" and address["scope"] == "global"
            }
            wanted = {(a.text, a.length) for a in plan.forwarding.addresses(node) if ends}
            assert there == wanted
            assert len(interfaces) == 1 + plan.forwarding.has_bridge(node)
