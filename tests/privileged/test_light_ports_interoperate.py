"""Ports exchange packets with a plain VXLAN device of iproute2 that stands in for a port of their VPC.

The device is in a namespace of its own; its packets leave by the compute host of the port whose MAC and
address it has. What the emulator made there for that port is taken away before.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.overlay import NEEDS_BPF

import emulator
from emulator.interface.network import Network

pytestmark = pytest.mark.privileged

PING = "ping -c2 -i0.2 -W1 {}"


def text(device: str) -> str:
    """Return a file whose VPCs have the same addresses: `web` and `guest` in one, `other` in the other."""
    return f"""
name: plain
vpcs: {{blue: 10.1.0.0/16, red: 10.1.0.0/16}}
topology:
  nodes:
    s1: {{kind: switch}}
    c1: {{}}
    c2: {{}}
    web: {{fidelity: light, vpc: blue{device}}}
    guest: {{fidelity: light, vpc: blue{device}}}
    other: {{fidelity: light, vpc: red, ip: 10.1.0.9/16{device}}}
  links: [[c1, s1], [c2, s1], [web, c1], [guest, c2], [other, c1]]
"""


def run(net: Network, node: str, words: str) -> None:
    done = net[node].run(words)
    assert done.ok, (node, words, done)


@contextmanager
def stand_in(net: Network, vni: int, neighbours: Mapping[str, str]) -> Iterator[list[str]]:
    """Put a VXLAN device in place of `guest` into a new namespace; yield the words that run a command there.

    `neighbours` are MACs by address that it doesn't ask for.
    """
    guest, ends = net["guest"].describe(), (net["c2"].address, net["c1"].address)
    keeper = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 60"], stdout=subprocess.PIPE)
    try:
        assert keeper.stdout is not None
        assert keeper.stdout.read(1) == b"\n"
        made = f"type vxlan id {vni} local {ends[0]} remote {ends[1]} dstport 4789"
        run(net, "c2", f"ip link add vx0 address {guest['mac']} {made}")
        run(net, "c2", f"ip link set vx0 netns {keeper.pid}")
        inside = ["nsenter", "--net", "--target", str(keeper.pid)]
        entries = [f"neigh add {address} lladdr {mac} dev vx0" for address, mac in neighbours.items()]
        for words in (f"address add {guest['address']} dev vx0", "link set vx0 mtu 1400 up", *entries):
            subprocess.run([*inside, "ip", *words.split()], check=True, capture_output=True)
        yield inside
    finally:
        keeper.kill()
        keeper.communicate()


def reaches(inside: list[str], address: str) -> bool:
    done = subprocess.run([*inside, *PING.format(address).split()], capture_output=True, check=False)
    return done.returncode == 0


@pytest.mark.parametrize(
    ("device", "take_away"),
    [
        pytest.param("", ("c2", "tc qdisc del dev c2-eth0 clsact"), marks=NEEDS_BPF, id="programs"),
        pytest.param(", device: true", ("guest", "ip link del eth0"), id="devices"),
    ],
)
def test_a_plain_vxlan_device_is_a_port_like_any_other(
    tmp_path: Path, state_dir: Path, device: str, take_away: tuple[str, str]
) -> None:
    file = tmp_path / "plain.yaml"
    file.write_text(text(device))
    with emulator.up(file) as net:
        facts = {name: net[name].describe() for name in ("web", "guest", "other")}
        address = {name: found["address"].partition("/")[0] for name, found in facts.items()}
        run(net, *take_away)
        # a VXLAN device that answers ARP for others (`proxy`), as those of devices, lets no reply out
        known = {address[name]: facts[name]["mac"] for name in ("web", "other")} if device else {}
        with stand_in(net, facts["guest"]["vni"], known) as inside:
            assert reaches(inside, address["web"])
            run(net, "web", PING.format(address["guest"]))
            assert not reaches(inside, address["other"]), "it is in another VPC"
        with stand_in(net, facts["other"]["vni"], known) as inside:
            assert not reaches(inside, address["web"]), "its packets have the other VPC's VNI now"
