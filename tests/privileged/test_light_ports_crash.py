"""Killed at any moment, nothing of light ports is left after `down`: no program, no map; several at once."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from support.bpf_objects import BpfObject, bpf_objects, gone_within
from support.command import CommandLine

from emulator.engines.netns import NetnsNetwork
from emulator.engines.registry import attach
from emulator.linux.overlay.find import open_maps
from emulator.linux.overlay.port_table import PortTable

pytestmark = [pytest.mark.e2e, pytest.mark.privileged]

FILE = (
    "name: {name}\nforwarding: routed\n"
    "topology: {{generator: vpc, vpcs: 2, ports: {ports}, hosts: 8, overlap: {overlap}}}\n"
)
_PAGES = 211
"""Pages of each VPC of the killed network: no other test has so many, so its maps are known by their size."""
_SLOTS = (2 * 2 * _PAGES + 1024) * 64


def killed_within(folder: Path, seconds: float, *words: str) -> None:
    argv = [sys.executable, "-m", "emulator", *words]
    process = subprocess.Popen(argv, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def of_this_size() -> set[BpfObject]:
    """Return the maps of ports with this size. Each program keeps all maps of its network."""
    return {one for one in bpf_objects() if one.entries == _SLOTS}


@pytest.mark.slow
def test_a_killed_up_leaves_nothing_of_bpf(tmp_path: Path, state_dir: Path, cli: CommandLine) -> None:
    """Ten kills of `up`, some of them of one that changes a running network; `down` twice."""
    first, second = (
        FILE.format(name="k", ports=_PAGES * 64 - 2, overlap=overlap) for overlap in ("true", "false")
    )
    (tmp_path / "k.yaml").write_text(first)
    (tmp_path / "k2.yaml").write_text(second)
    cli("up", "k.yaml", code=0)
    assert of_this_size()
    random.seed(12)
    for number in range(10):
        if number % 3:
            cli("down", "k", code=0)
            killed_within(tmp_path, random.uniform(0.3, 1.5), "up", "k.yaml")
        else:
            killed_within(tmp_path, random.uniform(0.3, 1.5), "up", "k2.yaml")
    cli("down", "k", code=0)
    cli("down", "k", code=0)
    assert not state_dir.exists()
    assert not gone_within(10, of_this_size())


def test_networks_with_equal_devices_and_addresses_know_nothing_of_each_other(
    tmp_path: Path, cli: CommandLine
) -> None:
    """The programs tell hosts by the number of a device: two networks have the same numbers."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(FILE.format(name=name, ports=8, overlap="false"))
        cli("up", f"{name}.yaml", code=0)
    networks = [attach(name) for name in ("a", "b")]
    tables = []
    for network in networks:
        assert isinstance(network, NetnsNetwork)
        overlay = network.plan.overlay
        assert overlay
        with open_maps(overlay, network._store) as maps:
            table = PortTable(maps)
            tables.append((maps.port_map.id, table, table.slots(overlay), overlay.device.tolist()))
    (one, a, slots_a, devices_a), (other, b, slots_b, devices_b) = tables
    assert one != other
    assert devices_a == devices_b
    a.remove(slots_a)
    assert b.exists(slots_b).all()
    assert cli.json("check", "b")["unexpected"] == []
    assert cli.json("check", "a", code=1)["reachable"] < cli.json("check", "b")["reachable"]
    before = b.counters(slots_b).sum()
    assert before > 0
    assert a.counters(slots_a).sum() == 0
    cli("down", "a", code=0)
    cli("check", "b", code=0)
    cli("down", "b", code=0)
