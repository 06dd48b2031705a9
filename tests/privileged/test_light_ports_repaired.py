"""What is changed by hand in a network of light ports: `status` names it, `up` of the same file repairs it.

The state before and after is read by `ip`, `tc` and from the kernel's list of BPF objects.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.bpf_objects import bpf_objects, gone_within
from support.command import CommandLine
from support.kernel_snapshot import differences, settled

from emulator.engines.netns import NetnsNetwork
from emulator.engines.registry import attach
from emulator.linux.overlay.find import open_maps
from emulator.linux.overlay.maps import DOWN, OverlayMaps
from emulator.linux.overlay.port_table import PortTable

pytestmark = [pytest.mark.e2e, pytest.mark.privileged]

PLAIN = "name: n\nforwarding: routed\ntopology: {generator: vpc, vpcs: 2, ports: 4, hosts: 2}\n"
EQUAL = (
    "name: n\nforwarding: routed\ntopology: {generator: vpc, vpcs: 2, ports: 4, hosts: 2, overlap: true}\n"
)

PLAIN_BY_HAND = [
    ("h1", "tc filter del dev h1-eth0 egress", "program em_from_stack"),
    ("h1", "tc qdisc del dev h1-eth0 clsact", "program em_from_wire"),
    ("h1", "ip link del h1-eth0", "link leaf1 -- h1 is missing"),
    ("h1", "ip rule del pref 10", "rule for packets to 10.0.0.0/28"),
    ("h1", "ip rule add pref 0 lookup local", "rule 0 for the local table: expected missing"),
    ("h1", "ip route del local 10.0.0.0/28 dev h1-eth0", "local route 10.0.0.0/28"),
    ("h1", "ip route flush table 100", "route 10.0.0.0/28 to ports"),
    ("h1", "ip neigh del 169.254.0.1 dev h1-eth0", "permanent neighbour"),
    ("h1", "sysctl -qw net.ipv4.conf.h1-eth0.accept_local=0", "settings accept_local"),
]
SLOTS = (2 * 4 + 1024) * 64
"""Slots of a network with 4 pages of addresses: two VPCs of 70 ports."""
EQUAL_BY_HAND = [
    ("h1", "ip link del space1", "device of address space 1"),
    ("h1", "ip link set space1 down", "device of address space 1"),
    ("h1", "tc filter del dev space0 ingress", "program em_from_device"),
    (".h1.1", "ip link set lo down", "h1, address space 1: device lo"),
    (".h2.1", "ip rule del pref 100", "h2, address space 1: rule 100"),
]


def inside(state: Path, file: str, words: str) -> None:
    """Run a command in a namespace of the network `n` by its file."""
    places = [f"--mount={state / '.mounts' / 'n'}", "nsenter", f"--net={state / 'n' / 'ns' / file}"]
    subprocess.run(["nsenter", *places, "sh", "-c", words], check=True, capture_output=True, timeout=20)


def running() -> NetnsNetwork:
    network = attach("n")
    assert isinstance(network, NetnsNetwork)
    return network


@pytest.mark.parametrize(("text", "by_hand"), [(PLAIN, PLAIN_BY_HAND), (EQUAL, EQUAL_BY_HAND)])
def test_what_is_changed_by_hand_is_named_and_restored(
    text: str, by_hand: list[tuple[str, str, str]], cli: CommandLine, tmp_path: Path, state_dir: Path
) -> None:
    (tmp_path / "n.yaml").write_text(text)
    cli("up", "n.yaml", code=0)
    before = settled(state_dir, "n")
    network = running()
    assert network.deviations() == []
    for file, words, said in by_hand:
        inside(state_dir, file, words)
        found = list(map(str, network.deviations()))
        assert any(said in one for one in found), (words, found)
        repaired = network.repair()
        assert set(found) <= set(repaired), words
        assert network.deviations() == [], words
    assert not differences(before, settled(state_dir, "n"))
    assert cli.json("check", "n")["unexpected"] == []
    cli("down", "n", code=0)


def _remove(table: PortTable, maps: OverlayMaps, slots: np.ndarray) -> None:
    del maps
    table.remove(slots[:2])


def _cut(table: PortTable, maps: OverlayMaps, slots: np.ndarray) -> None:
    del table
    maps.ports["flags"][slots[0]] |= DOWN


def _displace(table: PortTable, maps: OverlayMaps, slots: np.ndarray) -> None:
    del table
    maps.ports["place"][slots[0]] = maps.ports["place"][slots[1]]


def _rename(table: PortTable, maps: OverlayMaps, slots: np.ndarray) -> None:
    del table
    maps.ports["mac"][slots[0]] = 9


def _add(table: PortTable, maps: OverlayMaps, slots: np.ndarray) -> None:
    del table
    maps.ports["place"][slots.max() + 7] = maps.ports["place"][slots[1]]


def _forget_host(table: PortTable, maps: OverlayMaps, slots: np.ndarray) -> None:
    del table, slots
    keys, _ = maps.devices.lookup_batch("=u4", (np.void, 28))
    maps.devices.delete_batch(keys[:1])


Change = Callable[[PortTable, OverlayMaps, np.ndarray], None]
IN_MAPS: list[tuple[Change, str]] = [
    (_remove, "light port v1s1p1 is missing"),
    (_cut, "light port v1s1p1 is down"),
    (_displace, "v1s1p1: compute host: expected h1, found h2"),
    (_rename, "v1s1p1: MAC: expected 06:01:0a:00:00:02, found 09:09:09:09:09:09"),
    (_add, "1 port that no file has: expected missing"),
    (_forget_host, "map em_devices"),
]


def test_what_is_changed_in_maps_is_named_and_restored(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text(PLAIN)
    cli("up", "n.yaml", code=0)
    network = running()
    overlay = network.plan.overlay
    assert overlay is not None
    for change, said in IN_MAPS:
        with open_maps(overlay, network._store) as maps:
            table = PortTable(maps)
            slots = table.slots(overlay)
            maps.ports["rx_packets"][slots[3]] += np.uint64(7)
            before = int(maps.ports["rx_packets"][slots[3]])
            change(table, maps, slots)
            found = list(map(str, network.deviations()))
            assert len(found) <= 2, found
            assert said in found[0]
            assert network.repair() == found
            assert network.deviations() == []
            assert maps.ports["rx_packets"][slots[3]] == before  # nothing else was touched
    assert cli.json("check", "n")["unexpected"] == []
    numbers = {one.id for one in maps.by_name().values()}
    del maps, table, slots  # their memory keeps the map of ports
    remains = {one for one in bpf_objects() if one.kind == "map" and one.number in numbers}
    assert len(remains) == len(numbers)
    cli("down", "n", code=0)
    assert not gone_within(10, remains)


def test_maps_that_nothing_leads_to_any_more_are_made_again(
    cli: CommandLine, tmp_path: Path, state_dir: Path
) -> None:
    (tmp_path / "n.yaml").write_text(PLAIN.replace("ports: 4", "ports: 70, prefix: 25"))
    before = bpf_objects()
    cli("up", "n.yaml", code=0)
    first = {one for one in bpf_objects() - before if one.entries == SLOTS}
    assert "em_ports" in {one.name for one in first}
    for host in ("h1", "h2"):
        inside(state_dir, host, f"tc qdisc del dev {host}-eth0 clsact")
    status = cli("status", "n", code=1).stdout
    assert "140 nodes are missing" in status
    assert "programs and maps of all ports" in status
    cli("up", "n.yaml", code=0)
    assert not gone_within(10, first)
    assert cli.json("check", "n")["unexpected"] == []
    cli("down", "n", code=0)


def test_links_of_light_ports_go_down_and_come_up(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text(PLAIN)
    cli("up", "n.yaml", code=0)
    cli("link", "v1s1p1", "h1", "down", code=0)
    assert "h1 -- v1s1p1: down" in cli("status", "n", code=0).stdout
    assert cli.json("check", "n")["unexpected"] == []  # all pairs as planned, those of v1s1p1 unreachable
    reached = cli("exec", "v1s1p2", "--", "ping", "-c1", "-W1", "10.0.0.2").returncode
    assert reached != 0
    cli("link", "h2", "leaf2", "down", code=0)  # nobody answers for ports behind it, not even h2 itself
    assert cli.json("check", "n")["unexpected"] == []
    cli("link", "h2", "leaf2", "up", code=0)
    cli("link", "spine1", "leaf1", "down", code=0)  # with the port down meanwhile
    cli("link", "v1s1p1", "h1", "up", code=0)
    assert cli.json("check", "n")["unexpected"] == []
    cli("link", "spine1", "leaf1", "up", code=0)
    cli("exec", "v1s1p2", "--", "ping", "-c1", "-W2", "10.0.0.2", code=0)
    refused = cli("link", "v1s1p1", "h1", "set", "--loss", "1%", code=3).stderr
    assert "has no queue of its own" in refused
    assert "nothing differs" in cli("up", "n.yaml", code=0).stdout
    cli("down", "n", code=0)
