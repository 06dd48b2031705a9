"""`up` of a changed file in a network of light ports: what it leads to, and what goes on undisturbed.

What it leads to is compared with a network that was brought up afresh, both as `ip` and `tc` see them.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.bpf_objects import bpf_objects, gone_within
from support.command import CommandLine
from support.kernel_snapshot import differences, settled

from emulator.engines.netns import NetnsEngine, NetnsNetwork
from emulator.engines.registry import attach
from emulator.errors import BrokenError
from emulator.linux.overlay.change import OverlayChange
from emulator.linux.overlay.find import open_maps
from emulator.linux.overlay.port_table import PortTable
from emulator.plan import make_plan
from topologies.build import build
from topologies.spec.load import load_text

pytestmark = [pytest.mark.e2e, pytest.mark.privileged]

FABRIC = "underlay: {generator: leaf-spine, leaves: 2, spines: 2, hosts_per_leaf: 2}"


def text(words: str) -> str:
    return f"name: n\nforwarding: routed\ntopology: {{generator: vpc, {words}, {FABRIC}}}\n"


WITHOUT_PORTS = (
    "name: n\nforwarding: routed\n"
    "topology: {generator: leaf-spine, spines: 2, leaves: 2, hosts_per_leaf: 2}\n"
)
STEPS = [
    text("vpcs: 2, ports: 12, hosts: 3, prefix: 24"),
    text("vpcs: 2, ports: 20, hosts: 3, prefix: 24"),  # ports come
    text("vpcs: 2, ports: 20, hosts: 4, prefix: 24, spread: packed"),  # ports move to a new host
    text("vpcs: 3, ports: 5, hosts: 2, prefix: 24"),  # ports and hosts go, a VPC comes
    text("vpcs: 3, ports: 5, hosts: 2, prefix: 24, overlap: true"),  # tenants' namespaces come
    text("vpcs: 2, ports: 6, hosts: 4, prefix: 24, overlap: true, subnets: 2"),
    text("vpcs: 2, ports: 6, hosts: 4, prefix: 24"),  # and go
    WITHOUT_PORTS,
    text("vpcs: 1, ports: 6, hosts: 4"),
]
DEVICE_STEPS = [
    text("device: true, vpcs: 2, ports: 12, hosts: 3, prefix: 24"),
    text("device: true, vpcs: 2, ports: 20, hosts: 3, prefix: 24"),  # ports come
    text("device: true, vpcs: 2, ports: 20, hosts: 4, prefix: 24, spread: packed"),  # ports move
    text("device: true, vpcs: 3, ports: 5, hosts: 2, prefix: 24"),  # ports and hosts go, a VPC comes
    text("device: true, vpcs: 3, ports: 5, hosts: 2, prefix: 24, overlap: true"),  # addresses change
    WITHOUT_PORTS,
    text("device: true, vpcs: 1, ports: 6, hosts: 4"),
]


@pytest.mark.parametrize("steps", [STEPS, DEVICE_STEPS], ids=["programs", "devices"])
def test_a_changed_file_leads_to_the_network_of_a_fresh_up(
    cli: CommandLine, tmp_path: Path, state_dir: Path, steps: list[str]
) -> None:
    file = tmp_path / "n.yaml"
    file.write_text(steps[0])
    cli("up", "n.yaml", code=0)
    for step in steps[1:]:
        file.write_text(step)
        cli("up", "n.yaml", code=0)
        assert attach("n").deviations() == [], step
        if step in {steps[3], steps[6], steps[-1]}:
            assert cli.json("check", "n", "--sample", "200")["unexpected"] == [], step
            changed = settled(state_dir, "n")
            cli("down", "n", code=0)
            cli("up", "n.yaml", code=0)
            assert not differences(changed, settled(state_dir, "n")), step
    assert "nothing differs" in cli("up", "n.yaml", code=0).stdout
    cli("down", "n", code=0)


def ports_of(host: str) -> list[tuple[str, int]]:
    """Return the names of the light ports of a compute host, and their VPCs."""
    network = attach("n")
    assert isinstance(network, NetnsNetwork)
    assert network.plan.overlay
    ports, names = network.plan.overlay.ports, network.topology.names
    rows = np.flatnonzero(ports.host == names.find(host)).tolist()
    return [(names[ports.first + row], int(ports.vpc[row])) for row in rows]


def test_a_compute_host_whose_last_port_moved_away_stays_one(
    cli: CommandLine, tmp_path: Path, state_dir: Path
) -> None:
    """Its uplink and its tenants' namespaces stay: other ports must not notice, and ports may return."""
    for words in ("vpcs: 2, ports: 2, hosts: 2, prefix: 24", "vpcs: 2, ports: 4, hosts: 2, overlap: true"):
        (tmp_path / "n.yaml").write_text(text(words))
        cli("up", "n.yaml", code=0)
        before = settled(state_dir, "n")
        moved = [name for name, vpc in ports_of("h1") if vpc == 0 or "overlap" not in words]
        assert len(moved) == 2
        for port in moved:
            cli("migrate", port, "h2", code=0)
        assert attach("n").deviations() == []
        assert cli.json("check", "n")["unexpected"] == []
        assert not differences(before, settled(state_dir, "n"))
        cli("migrate", moved[0], "h1", code=0)
        assert (
            f"moved 1 light port to another compute host or namespace: {moved[1]}"
            in cli("up", "n.yaml", code=0).stdout
        )
        assert attach("n").deviations() == []
        assert not differences(before, settled(state_dir, "n"))
        cli("down", "n", code=0)


def test_a_change_that_fails_is_changed_back(
    cli: CommandLine, tmp_path: Path, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "n.yaml").write_text(STEPS[0])
    cli("up", "n.yaml", code=0)
    before = settled(state_dir, "n")
    failed = []

    def fail(self: OverlayChange, *words: Any) -> None:
        failed.append(self)
        if len(failed) == 1:
            raise BrokenError("no more")
        original(self, *words)

    original = OverlayChange._write_ports
    monkeypatch.setattr(OverlayChange, "_write_ports", fail)
    other = build(load_text(STEPS[5]))
    with pytest.raises(BrokenError, match="no more"):
        NetnsEngine().deploy(make_plan(other, "netns"))
    assert len(failed) == 2
    assert attach("n").deviations() == []
    assert not differences(before, settled(state_dir, "n"))
    assert cli.json("check", "n")["unexpected"] == []
    cli("down", "n", code=0)


@contextmanager
def pinging(state: Path, file: str, source: str, target: str) -> Iterator[list[str]]:
    """Ping 500 times a second from a namespace meanwhile; the list gets what `ping` says at the end."""
    places = [f"--mount={state / '.mounts' / 'n'}", "nsenter", f"--net={state / 'n' / 'ns' / file}"]
    words = ["nsenter", *places, "ping", "-q", "-i", "0.002", "-W", "2", "-I", source, target]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    said: list[str] = []
    try:
        yield said
    finally:
        process.send_signal(2)
        said.append(process.communicate(timeout=20)[0])


def assert_none_lost(words: str) -> None:
    found = re.search(r"(\d+) packets transmitted, (\d+) received", words)
    assert found, words
    sent, received = map(int, found.groups())
    assert sent > 200
    assert sent - received <= 1, words  # one may be under way when ping ends


def test_what_stays_loses_nothing_and_keeps_its_counters(
    cli: CommandLine, tmp_path: Path, state_dir: Path
) -> None:
    """Ports come, move to another host and go; at last so many come that the maps have no room for them."""
    file = tmp_path / "n.yaml"
    steps = [text(f"vpcs: 1, ports: {count}, hosts: 2, prefix: 14{more}") for count, more in (
        (4, ""), (1004, ""), (1004, ", spread: packed"), (4, ""), (66_000, ""), (4, ""),
    )]  # fmt: skip
    file.write_text(steps[0])
    cli("up", "n.yaml", code=0)
    sizes, numbers = [], []
    with pinging(state_dir, "h1", "10.0.0.2", "10.0.0.5") as said:  # v1s1p1 to v1s1p4, on h2
        for step in steps[1:]:
            file.write_text(step)
            cli("up", "n.yaml", code=0)
            network = attach("n")
            assert isinstance(network, NetnsNetwork)
            assert network.plan.overlay
            with open_maps(network.plan.overlay, network._store) as maps:
                sizes.append(maps.port_map.description.entries)
                numbers.append(maps.port_map.id)
    assert_none_lost(said[0])
    assert len(set(sizes)) == 2, sizes  # larger maps once, and they stay
    network = attach("n")
    assert isinstance(network, NetnsNetwork)
    overlay = network.plan.overlay
    assert overlay
    sent = int(re.findall(r"(\d+) packets transmitted", said[0])[0])
    with open_maps(overlay, network._store) as maps:
        table = PortTable(maps)
        counters = table.counters(table.slots(overlay, np.array([0])))[0]
    assert sent <= counters[2] <= sent + 1  # sent packets, of all maps that there were
    first = {one for one in bpf_objects() if one.kind == "map" and one.number == numbers[0]}
    assert not gone_within(10, first)
    cli("down", "n", code=0)
