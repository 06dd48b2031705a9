"""Light ports with a device each (`device: true`), on a machine whose kernel refuses bpf(2).

`ip`, `bridge`, `tcpdump` and `ping` tell what the kernel has.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.command import CommandLine
from support.overlay import NEEDS_BPF
from support.vxlan import IPV4, VXLAN_PORT, ethernet, ipv4, udp, vxlan

from emulator.engines.netns import NetnsNetwork
from emulator.engines.registry import attach

pytestmark = [pytest.mark.e2e, pytest.mark.privileged]

FILE = (
    "name: n\n"
    "topology: {generator: vpc, vpcs: 2, subnets: 2, ports: 4, hosts: 2, device: true, overlap: true}\n"
)
EXAMPLE = Path(__file__).parents[2] / "topologies" / "examples" / "vpc.yaml"
_WITHOUT_BPF = (
    "import platform, sys\n"
    "from emulator.linux.bpf import syscall\n"
    "syscall._NUMBERS[platform.machine()] = 99999\n"  # no kernel has this call: ENOSYS
    "from emulator.cli.main import run\n"
    "sys.exit(run(sys.argv[1:]))\n"
)


def without_bpf(folder: Path, *words: str, code: int = 0) -> str:
    """Run the command line as on a kernel without bpf(2); return its output."""
    argv = [sys.executable, "-c", _WITHOUT_BPF, *words]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, (words, done.stdout, done.stderr)
    return done.stdout + done.stderr


def inside(state: Path, file: str, *argv: str) -> str:
    """Run a command in a namespace of the network `n` by its file; return its output."""
    places = [f"--mount={state / '.mounts' / 'n'}", "nsenter", f"--net={state / 'n' / 'ns' / file}"]
    done = subprocess.run(["nsenter", *places, *argv], check=True, capture_output=True, text=True, timeout=20)
    return done.stdout


def macvlans(state: Path, file: str) -> dict[str, dict[str, Any]]:
    found = json.loads(inside(state, file, "ip", "-j", "-d", "address"))
    return {one["ifname"]: one for one in found if one.get("linkinfo", {}).get("info_kind") == "macvlan"}


def test_the_example_comes_up_without_bpf(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    (tmp_path / "without.yaml").write_text(text)
    assert "`device: true` gives each port a macvlan" in without_bpf(tmp_path, "up", "without.yaml", code=3)
    (tmp_path / "vpc.yaml").write_text(text.replace("hosts: 4}", "hosts: 4, device: true}"))
    without_bpf(tmp_path, "up", "vpc.yaml")
    found = json.loads(without_bpf(tmp_path, "check", "vpc", "--json").splitlines()[0])
    assert found["unexpected"] == []
    assert "1 received" in without_bpf(tmp_path, "exec", "v1s1p1", "--", "ping", "-c1", "v1s2p9")
    assert "can't run a command as the light port" in without_bpf(
        tmp_path, "exec", "v1s1p1", "--", "true", code=3
    )
    assert "nothing differs" in without_bpf(tmp_path, "up", "vpc.yaml")
    without_bpf(tmp_path, "migrate", "v1s1p1", "h3")
    assert "on h3" in without_bpf(tmp_path, "status", "vpc", "v1s1p1")
    assert "1 received" in without_bpf(tmp_path, "exec", "v1s1p1", "--", "ping", "-c1", "v1s2p9")
    (tmp_path / "vpc.yaml").write_text(text.replace("hosts: 4}", "hosts: 5, device: true}"))
    without_bpf(tmp_path, "up", "vpc.yaml")
    found = json.loads(without_bpf(tmp_path, "check", "vpc", "--json").splitlines()[0])
    assert found["unexpected"] == []
    without_bpf(tmp_path, "down", "vpc")


def test_the_kernel_has_a_macvlan_a_port_and_nothing_learned(
    cli: CommandLine, tmp_path: Path, state_dir: Path
) -> None:
    (tmp_path / "n.yaml").write_text(FILE)
    cli("up", "n.yaml", code=0)
    network = attach("n")
    ports = {name: network.describe(network.topology.names.index(name)) for name in ("v1s1p1", "v2s1p1")}
    assert ports["v1s1p1"]["address"] == ports["v2s1p1"]["address"]
    for port in ports.values():
        devices = macvlans(state_dir, port["namespace"])
        assert len(devices) == 4
        (own,) = [one for one in devices.values() if one["address"] == port["mac"]]
        assert own["mtu"] == 1279
        assert [one["local"] for one in own["addr_info"]] == [port["address"].partition("/")[0]]
        (wire,) = json.loads(inside(state_dir, port["namespace"], "ip", "-j", "-d", "link", "show", "eth0"))
        data = wire["linkinfo"]["info_data"]
        assert (data["id"], data["learning"], data["proxy"]) == (port["vni"], False, True)
        ways = json.loads(inside(state_dir, port["namespace"], "bridge", "-j", "fdb", "show", "dev", "eth0"))
        assert len([one for one in ways if one["state"] == "permanent" and "dst" in one]) == 4
        silent = inside(state_dir, port["namespace"], "cat", "/proc/sys/net/ipv4/conf/eth0/arp_ignore")
        assert silent.strip() == "1"  # no ARP reply for ports by the VXLAN device's own MAC
    before = network.describe(network.topology.names.index("v1s1p1"))["counters"]
    cli("exec", "v1s1p1", "--", "ping", "-c3", "-i0.01", "v1s1p2", code=0)
    after = network.describe(network.topology.names.index("v1s1p1"))["counters"]
    assert after["tx_packets"] - before["tx_packets"] >= 3
    assert after["rx_packets"] - before["rx_packets"] >= 3
    cli("down", "n", code=0)


def test_a_link_goes_down_and_comes_up(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "n.yaml").write_text(FILE)
    cli("up", "n.yaml", code=0)
    network = attach("n")
    assert isinstance(network, NetnsNetwork)
    host = network.describe(network.topology.names.index("v1s1p1"))["host"]
    ping = ("exec", "v1s1p2", "--", "ping", "-c1", "-W0.3", "v1s1p1")
    cli(*ping, code=0)
    cli("link", "v1s1p1", host, "down", code=0)
    cli(*ping, code=1)
    assert network.describe(network.topology.names.index("v1s1p1"))["state"] == "down"
    cli("link", "v1s1p1", host, "up", code=0)
    cli(*ping, code=0)
    assert network.deviations() == []
    cli("down", "n", code=0)


@NEEDS_BPF
def test_devices_are_not_exchanged_for_programs_while_the_network_runs(
    cli: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "n.yaml").write_text(FILE)
    cli("up", "n.yaml", code=0)
    (tmp_path / "n.yaml").write_text(FILE.replace("device: true, ", ""))
    assert "run `emulator down`, then `up`" in cli("up", "n.yaml", code=3).stderr
    assert attach("n").deviations() == []
    cli("down", "n", code=0)


BY_HAND = [
    ("ip link del {port}", "light ports"),
    ("ip link set {port} down", "state up of device"),
    ("ip address flush dev {port}", "address 10."),
    ("ip rule del pref 10", "rule for packets from"),
    ("ip rule add pref 0 lookup local", "rule 0 for the local table: expected missing"),
    ("ip neigh flush nud permanent", "light ports"),
    ("ip link set {port} mtu 1200", "MTU 1279"),
    ("ip link set {port} address 06:00:00:00:00:09", "macvlan {port}"),
    ("ip link del eth0", "device eth0: expected present and up"),
    ("ip link set eth0 mtu 1300", "device eth0: expected VNI 1 from"),
    ("ip link set lo down", "device lo"),
    ("ip link add link eth0 name more type macvlan", "macvlan more"),
]


def test_what_is_changed_by_hand_is_named_and_restored(
    cli: CommandLine, tmp_path: Path, state_dir: Path
) -> None:
    (tmp_path / "n.yaml").write_text(FILE)
    cli("up", "n.yaml", code=0)
    network = attach("n")
    assert isinstance(network, NetnsNetwork)
    file = network.describe(network.topology.names.index("v1s1p1"))["namespace"]
    port = min(macvlans(state_dir, file))
    before = macvlans(state_dir, file).keys()
    for words, said in BY_HAND:
        inside(state_dir, file, "sh", "-c", words.format(port=port))
        found = list(map(str, network.deviations()))
        assert any(said.format(port=port) in one for one in found), (words, found)
        network.repair()
        assert network.deviations() == [], words
    assert macvlans(state_dir, file).keys() == before
    assert cli.json("check", "n")["unexpected"] == []
    cli("down", "n", code=0)


def test_a_killed_up_leaves_nothing(cli: CommandLine, tmp_path: Path, state_dir: Path) -> None:
    (tmp_path / "n.yaml").write_text(FILE.replace("ports: 4", "ports: 60"))
    random.seed(7)
    for _ in range(4):
        argv = [sys.executable, "-m", "emulator", "up", "n.yaml"]
        with subprocess.Popen(argv, cwd=tmp_path, stdout=-3, stderr=-3) as process:
            try:
                process.wait(random.uniform(0.4, 1.2))
            except subprocess.TimeoutExpired:
                process.kill()
        cli("down", "n", code=0)
        assert not (state_dir / "n").exists()


_SEND = """\
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(20):
    s.sendto(bytes.fromhex(sys.argv[3]), (sys.argv[1], int(sys.argv[2])))
"""


def test_a_frame_with_a_wrong_vni_is_dropped(cli: CommandLine, tmp_path: Path) -> None:
    """Packets are sent to the compute host's VXLAN port by a program on another one."""
    (tmp_path / "n.yaml").write_text(FILE)
    cli("up", "n.yaml", code=0)
    port, equal = cli.json("status", "n", "v1s1p1"), cli.json("status", "n", "v2s1p1")
    assert port["address"] == equal["address"]
    assert port["host"] == equal["host"] == "h1"
    vtep = cli.json("status", "n", "h1")["addresses"][0].partition("/")[0]
    inner = ipv4("10.0.0.3", port["address"].partition("/")[0], udp(9, 9, b"x" * 20))

    def received(vni: int, mac: str) -> tuple[int, int]:
        """Return how many packets of 20 the two ports received."""
        frame = vxlan(vni, ethernet("02:00:00:00:77:77", mac, IPV4, inner))
        names = ("v1s1p1", "v2s1p1")
        before = [cli.json("status", "n", name)["counters"]["rx_packets"] for name in names]
        words = (sys.executable, "-c", _SEND, vtep, str(VXLAN_PORT), frame.hex())
        cli("exec", "h2", "--", *words, code=0)
        after = [cli.json("status", "n", name)["counters"]["rx_packets"] for name in names]
        one, two = (new - old for new, old in zip(after, before, strict=True))
        return one, two

    one, two = received(port["vni"], port["mac"])
    assert one >= 20 > two == 0  # and what its own ICMP error calls forth
    one, two = received(equal["vni"], equal["mac"])
    assert two >= 20 > one == 0
    assert received(77, port["mac"]) == (0, 0)
    assert received(equal["vni"], port["mac"])[0] == 0
    cli("down", "n", code=0)
