"""A broadcast reaches every port of a large bridged network, on a machine with the kernel's own settings.

What arrived is counted by iproute2: a port of a switch counts as sent what the kernel took for its other end
(drivers/net/veth.c), and what it drops is in the second column of /proc/net/softnet_stat.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e, pytest.mark.alone]

BACKLOG = Path("/proc/sys/net/core/netdev_max_backlog")
LEDGERS = Path(
    "/run/topology-emulator-ledgers"
)  # there while any network of the machine needs a limit raised
DEFAULT = 1_000  # net/core/hotdata.c
LEAVES, HOSTS_PER_LEAF = 12, 100
SHOUTS = 20

SHOUT = """
import socket, sys
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((next(name for _, name in socket.if_nameindex() if name != "lo"), 0))
frame = b"\\xff" * 6 + out.getsockname()[4] + b"\\x88\\xb5"  # IEEE 802: for local experiments
for _ in range(int(sys.argv[1])):
    out.send(frame.ljust(60, b"."))
"""


@pytest.fixture(autouse=True)
def default_backlog() -> Iterator[None]:
    if not BACKLOG.exists():
        pytest.skip("only the machine's first network namespace has this sysctl")
    if LEDGERS.exists():
        pytest.skip("other networks are up: the machine is not at its defaults")
    before = BACKLOG.read_text()
    BACKLOG.write_text(str(DEFAULT))
    yield
    BACKLOG.write_text(before)


def dropped() -> int:
    lines = Path("/proc/net/softnet_stat").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1], 16) for line in lines)


def sent_to_hosts(cli: CommandLine) -> dict[str, int]:
    """Return how many frames each leaf's port to a host has sent."""
    out: dict[str, int] = {}
    for line in cli("exec", "leaf*", "--", "ip", "-s", "-j", "link", code=0).stdout.splitlines():
        leaf, _, links = line.partition(": ")
        ports = [link for link in json.loads(links) if link["ifname"] != "lo" and "master" in link]
        out |= {f"{leaf} {port['ifname']}": port["stats64"]["tx"]["packets"] for port in ports}
    return out


def test_a_broadcast_reaches_every_port_and_all_pairs_answer(tmp_path: Path, cli: CommandLine) -> None:
    size = f"leaves: {LEAVES}, spines: 2, hosts_per_leaf: {HOSTS_PER_LEAF}"
    (tmp_path / "flat.yaml").write_text(f"name: flat\ntopology: {{generator: leaf-spine, {size}}}\n")
    cli("up", "flat.yaml", code=0)
    raised = int(BACKLOG.read_text())
    assert raised > LEAVES * HOSTS_PER_LEAF
    before, lost = sent_to_hosts(cli), dropped()
    assert len(before) == LEAVES * HOSTS_PER_LEAF + LEAVES + 1, "one uplink a leaf, and one joins the spines"
    cli("exec", "h1", "--", sys.executable, "-c", SHOUT, str(SHOUTS), code=0)
    after = sent_to_hosts(cli)
    silent = [port for port in before if after[port] - before[port] < SHOUTS]
    # a broadcast doesn't go back: one port of each leaf is where it came from
    assert len(silent) == LEAVES, f"{len(silent)} ports of {len(before)} did not tell their hosts: {silent}"
    for _ in range(2):
        found = cli.json("check", "--sample", "1000")
        assert (found["reachable"], found["unexpected"]) == (1_000, [])
    assert dropped() == lost
    cli("down", "flat", code=0)
    after_down = int(BACKLOG.read_text())
    assert after_down == DEFAULT or (LEDGERS.exists() and after_down < raised)
