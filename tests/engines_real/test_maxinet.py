"""The engine maxinet, by the command line: over the stand-in, and over a real MaxiNet where there is one.

The stand-in (`tests/support/maxinet`) is our own code with the real one's faults, over the real Mininet. A
real MaxiNet is used where EMULATOR_MAXINET_PYTHON and EMULATOR_MAXINET_HOME name one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from engines_real.laboratory import Machine, wait_until
from engines_real.maxinet_laboratory import STAND_IN, MaxinetLaboratory, laboratory, stand_in_python
from support.command import CommandLine

from emulator.engines.maxinet.engine import MaxinetEngine
from emulator.engines.remote import tunnels
from emulator.engines.remote.tunnel_frames import tunnel_frames
from emulator.engines.remote.tunnels import require_tunnels
from emulator.errors import BrokenError

pytestmark = [pytest.mark.privileged, pytest.mark.e2e, pytest.mark.slow]

LINE_FILE = """from mininet.link import TCLink
from mininet.topo import Topo


class Line(Topo):
    def build(self, n=30):
        before = None
        for number in range(1, n + 1):
            host, switch = self.addHost(f"h{number}"), self.addSwitch(f"s{number}")
            self.addLink(host, switch, cls=TCLink, bw=1000)
            if before:
                self.addLink(before, switch, cls=TCLink, bw=1000)
            before = switch


topos = {"line": Line}
"""
LINE = "name: line\nengine: maxinet\ntopology: {mininet: line.py, topo: line}\n"
TREE = "name: t\nengine: maxinet\ntopology: {generator: tree, depth: 2, fanout: 2}\n"
RING = "name: r\nengine: maxinet\ntopology: {generator: ring, k: 4, hosts_per_switch: 1}\n"
GROWN = """name: g
engine: maxinet
topology:
  nodes: {s1: {kind: switch}, s2: {kind: switch}, h1: {}, h2: {}%s}
  links: [[h1, s1], [h2, s2], [s1, s2]%s]
"""
STRESS = """name: flaps
seed: 1
duration: 3 s
steps:
  - {action: port-flap, target: host, rate: 1, down: 200 ms}
limits:
  - errors == 0
"""


@pytest.fixture(scope="module", params=["stand-in", "real"])
def machines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MaxinetLaboratory]:
    """Two workers with MaxiNet."""
    if os.geteuid() != 0:
        pytest.skip("needs root: run the tests under sudo")
    folder = tmp_path_factory.mktemp("maxinet")
    python, home = os.environ.get("EMULATOR_MAXINET_PYTHON"), os.environ.get("EMULATOR_MAXINET_HOME")
    if request.param == "stand-in":
        python, home = stand_in_python(folder / "venv"), str(STAND_IN / "home")
        if not python:
            pytest.skip("Mininet is missing: apt install mininet")
    if not python or not home:
        pytest.skip("no real MaxiNet is named: set EMULATOR_MAXINET_PYTHON and EMULATOR_MAXINET_HOME")
    with laboratory(python, home, folder / "lab", ["w1", "w2"]) as lab:
        yield lab


@pytest.fixture
def stand_in(machines: MaxinetLaboratory) -> bool:
    """Whether MaxiNet is our stand-in, which has faults on request."""
    return machines.environment["EMULATOR_MAXINET_HOME"] == str(STAND_IN / "home")


@pytest.fixture
def lab(
    machines: MaxinetLaboratory, monkeypatch: pytest.MonkeyPatch, cli: CommandLine
) -> Iterator[MaxinetLaboratory]:
    """The workers, named in the environment; each test must leave nothing on them."""
    configurations = {path: path.read_text() for path in machines.folder.glob("sshd_config-*")}
    for name, value in machines.environment.items():
        monkeypatch.setenv(name, value)
    before = remains(machines)
    yield machines
    (machines.folder / "faults").unlink(missing_ok=True)
    for path, text in configurations.items():
        path.write_text(text)
    cli("down", "--all")
    machines.wait_for("w1", "w2")
    assert remains(machines) == before


def remains(lab: MaxinetLaboratory) -> list[str]:
    """Return the interfaces, bridges and shells of nodes on the workers."""
    out = []
    for machine in lab.workers:
        links = machine.run("ip", "-br", "link").stdout.split("\n")
        out += [f"{machine.name} {line.split()[0]}" for line in links if line]
        out += machine.run("ovs-vsctl", "list-br").stdout.split()
        out += machine.run("pgrep", "-fa", "^bash .*mininet:", check=False).stdout.split("\n")
    return sorted(out)


def host_of_front(lab: MaxinetLaboratory) -> str:
    return lab.environment["EMULATOR_MAXINET_FRONTEND"].rpartition(":")[0]


def record(name: str) -> dict[str, object]:
    path = Path(os.environ["EMULATOR_STATE_DIR"]) / name / "record.json"
    found: dict[str, object] = json.loads(path.read_text())
    return found


def kill_driver(name: str) -> None:
    options = record(name)["options"]
    assert isinstance(options, dict)
    os.kill(options["driver"]["pid"], signal.SIGKILL)


def rate(cli: CommandLine, node: str, interface: str) -> str:
    """Return the rate of an interface's queue."""
    said = cli("exec", node, "--", "tc", "class", "show", "dev", interface, code=0).stdout
    return said.partition(" rate ")[2].partition(" ")[0]


def rates(machine: Machine) -> dict[str, str]:
    """Return the rate of each interface of a machine that is a switch's port, as `tc` tells it."""
    names = [
        line.split()[0].partition("@")[0] for line in machine.run("ip", "-br", "link").stdout.splitlines()
    ]
    ports = [name for name in names if "-eth" in name]
    show = 'for d; do echo "$d $(tc class show dev "$d")"; done'
    said = machine.run("sh", "-c", show, "sh", *ports).stdout
    return {
        line.split()[0]: line.partition(" rate ")[2].partition(" ")[0] for line in said.splitlines() if line
    }


def test_a_network_on_two_workers(
    lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path, stand_in: bool
) -> None:
    (tmp_path / "t.yaml").write_text(TREE + "links:\n  - {match: {}, bandwidth: 5 Mbit}\n")
    if stand_in:
        (lab.folder / "faults").write_text("w2 no-rate\n")
    said = cli("up", "t.yaml", code=0)
    for machine in lab.workers:  # both ends of the tunnel, too
        assert set(rates(machine).values()) == {"5Mbit"}
    assert sum(len(rates(machine)) for machine in lab.workers) == 8
    assert "MTU 1,450" in said.stdout + said.stderr
    found = cli.json("status", "t")["networks"][0]
    assert found["running"]
    assert found["deviations"] == []
    places = found["details"]["placement"]
    assert set(places.values()) == {"w1", "w2"}
    checked = cli.json("check", "t")
    assert (checked["pairs"], checked["reachable"], checked["unexpected"]) == (12, 12, [])
    assert rate(cli, "h1", "h1-eth0") == rate(cli, "s1", "s1-eth1") == rate(cli, "s1", "s1-eth2") == "5Mbit"
    said = cli("exec", "h1", "--", "sh", "-c", "hostname; echo 'a  b'; exit 3", code=3)
    assert said.stdout.splitlines() == [places["h1"], "a  b"]
    assert "mtu 1450" in cli("exec", "h1", "--", "ip", "link", "show", "dev", "h1-eth0", code=0).stdout


def test_a_link_is_cut_and_a_shape_changed(lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TREE)
    cli("up", "t.yaml", code=0)
    cli("link", "s1", "s2", "down", code=0)
    checked = cli.json("check", "t")
    assert (checked["reachable"], checked["unexpected"]) == (4, [])
    cli("link", "s1", "s2", "up", code=0)
    cli("link", "s1", "s2", "set", "--bandwidth", "7Mbit", code=0)
    assert cli.json("check", "t")["reachable"] == 12
    assert rate(cli, "s1", "s1-eth1") == "7Mbit"
    assert "7Mbit" in {rate(cli, "s2", f"s2-eth{port}") for port in (1, 2, 3)}


def test_a_loop_of_bridges_carries_no_storm(lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "r.yaml").write_text(RING)
    cli("up", "r.yaml", code=0)
    assert cli.json("check", "r")["reachable"] == 12
    before = counted(cli)
    assert counted(cli) - before < 1000


def counted(cli: CommandLine) -> int:
    """Return how many packets h1 has received."""
    said = cli("exec", "h1", "--", "ip", "-json", "-s", "link", "show", "dev", "h1-eth0", code=0).stdout
    return int(json.loads(said)[0]["stats64"]["rx"]["packets"])


def test_a_tunnel_that_pings_could_avoid_is_tested_by_itself(
    lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "e.yaml").write_text(
        "name: e\nengine: maxinet\nswitch: ovs\nopenflow: {flows: ecmp}\n"
        "topology: {generator: leaf-spine, leaves: 2, spines: 2, hosts_per_leaf: 1}\n"
    )
    cli("up", "e.yaml", code=0)
    network = MaxinetEngine().attach("e")
    plan = network.plan
    link, (way, _) = next(iter(tunnel_frames(plan).items()))
    require_tunnels(plan, network.access, "fix")
    worker = plan.workers[plan.placement[way.target]].name
    machine = next(machine for machine in lab.workers if machine.name == worker)
    machine.run("ip", "link", "set", "dev", way.interface, "down")
    monkeypatch.setattr(tunnels, "_WAITS", (1.0, 1.0))
    a, b = (plan.topology.names[node] for node in plan.topology.ends[link].tolist())
    with pytest.raises(BrokenError, match=rf"^1 tunnel \({a} -- {b} .*carry nothing; fix$"):
        require_tunnels(plan, network.access, "fix")


def test_nodes_are_added_to_a_running_network(
    lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "g.yaml").write_text(GROWN % ("", ""))
    cli("up", "g.yaml", code=0)
    (tmp_path / "g.yaml").write_text(GROWN % (", s3: {kind: switch}, h3: {}", ", [s3, s2], [h3, s3]"))
    said = cli("up", "g.yaml", code=0)
    assert "added 2 nodes (s3, h3)" in said.stdout + said.stderr
    checked = cli.json("check", "g")
    assert (checked["pairs"], checked["reachable"]) == (6, 6)
    assert cli.json("status", "g")["networks"][0]["deviations"] == []


def test_a_link_that_closes_a_loop_is_added(lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_text(GROWN % ("", ""))
    cli("up", "g.yaml", code=0)
    (tmp_path / "g.yaml").write_text(GROWN % (", s3: {kind: switch}", ", [s3, s2], [s3, s1]"))
    cli("up", "g.yaml", code=0)
    assert cli.json("check", "g")["reachable"] == 2
    before = counted(cli)
    assert counted(cli) - before < 1000


def test_stress_flaps_ports(lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TREE)
    (tmp_path / "flaps.yaml").write_text(STRESS)
    cli("up", "t.yaml", code=0)
    cli("stress", "flaps.yaml", code=0)
    assert cli.json("status", "t")["networks"][0]["deviations"] == []
    (tmp_path / "churn.yaml").write_text(STRESS.replace("port-flap", "port-churn").replace("down:", "away:"))
    cli("stress", "churn.yaml", code=2)


def test_a_killed_driver_leaves_what_down_removes(
    lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "t.yaml").write_text(TREE + "switch: ovs\n")
    cli("up", "t.yaml", code=0)
    kill_driver("t")
    said = cli("status", "t")
    assert "emulator down t" in said.stdout + said.stderr
    cli("down", "t", code=0)
    lab.wait_for("w1", "w2")


def test_what_a_killed_up_has_made_without_a_mark_is_removed(
    lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "line.py").write_text(LINE_FILE)
    (tmp_path / "line.yaml").write_text(LINE)
    argv = [sys.executable, "-m", "emulator", "up", "line.yaml"]
    up = subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    machine = lab.workers[0]
    wait_until("ports on w1", lambda: "s1-eth1" in machine.run("ip", "-br", "link").stdout)
    kill_driver("line")
    up.kill()
    up.wait()
    assert "alias" not in machine.run("ip", "link", "show", "dev", "s1-eth1", check=False).stdout
    machine.run("ip", "link", "add", "t1", "type", "bridge")
    cli("down", "line", code=0)
    machine.run("ip", "link", "del", "t1")


def test_a_killed_worker_is_named_and_the_others_are_freed(
    lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "t.yaml").write_text(TREE)
    cli("up", "t.yaml", code=0)
    machine = lab.workers[1]
    lab.kill_worker(machine)
    said = cli("exec", "h4", "--", "true")
    assert "worker w2 is lost" in said.stdout + said.stderr
    for _ in range(2):
        said = cli("down", "t", code=4)
        assert "worker w2 isn't registered" in said.stderr
        assert "`systemctl restart maxinet-worker`" in said.stderr
        lab.wait_for("w1")
    (bridge,) = {name.partition("-")[0] for name in rates(machine)}
    machine.run("ip", "link", "del", bridge)
    machine.run("ip", "link", "add", bridge, "type", "bridge")  # somebody else's, of the same name
    lab.start_worker(machine)
    lab.wait_for("w1", "w2")
    cli("down", "t", code=0)
    assert rates(machine) == {}
    machine.run("ip", "link", "del", bridge)


def test_a_stuck_manager_is_named_with_its_fix(
    lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "t.yaml").write_text(TREE)
    stick = (
        "import sys, Pyro4; sys.path.insert(0, sys.argv[1]); import MaxiNet.tools\n"
        "Pyro4.config.COMMTIMEOUT = 2\n"
        "host, _, port = sys.argv[2].partition(':')\n"
        "n = Pyro4.locateNS(host, int(port), hmac_key=sys.argv[3])\n"
        "m = Pyro4.Proxy(n.lookup('MaxiNetManager'))\n"
        "m._pyroHmacKey = sys.argv[3]\n"
        "m.reserve_worker('nobody', 'x')"
    )
    password = Path(lab.environment["EMULATOR_MAXINET_PASSWORD_FILE"]).read_text().strip()
    words = [lab.environment[f"EMULATOR_MAXINET_{name}"] for name in ("PYTHON", "HOME", "FRONTEND")]
    argv = [words[0], "-c", stick, words[1], words[2], password]
    done = subprocess.run(argv, check=False, capture_output=True, text=True, cwd=lab.folder)
    assert "KeyError" in done.stderr
    said = cli("up", "t.yaml", code=3)
    assert f"manager at {host_of_front(lab)} is stuck" in said.stderr
    assert "restart MaxiNetFrontendServer" in said.stderr
    lab.kill_front()
    lab.start_front()
    lab.wait_for("w1", "w2", revive=True)
    cli("up", "t.yaml", code=0)


def test_what_workers_lack_is_refused(
    lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.yaml").write_text(TREE)
    monkeypatch.setenv("EMULATOR_MAXINET_WORKERS", "w1,w3")
    assert "worker w3 isn't registered" in cli("up", "t.yaml", code=3).stderr
    monkeypatch.setenv("EMULATOR_MAXINET_WORKERS", "w1,w2")
    nobody = f"{host_of_front(lab)}:1"
    monkeypatch.setenv("EMULATOR_MAXINET_FRONTEND", nobody)
    assert f"no MaxiNet name server answers at {nobody}" in cli("up", "t.yaml", code=3).stderr


def test_what_a_copy_of_maxinet_lacks_is_told(
    lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path, stand_in: bool
) -> None:
    (tmp_path / "t.yaml").write_text(TREE)
    assert cli.json("doctor", "t.yaml")["file"]["reasons"] == []
    if not stand_in:
        return
    (lab.folder / "faults").write_text("w2 no-scripts\n")
    (lab.folder / "sshd_config-w1").write_text("MaxStartups 3:30:60\n")
    first, second = cli.json("doctor", "t.yaml", code=3)["file"]["reasons"]
    assert "worker w1: MaxiNet's SSH server takes 3 new connections at a time" in first
    assert "worker w2: MaxiNet's scripts can't be run (exit code 126)" in second


def test_a_line_of_30_from_a_mininet_file_has_its_rates(
    lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path
) -> None:
    """`addLink(h, s, cls=TCLink, bw=1000)` on every link: MaxiNet issue 50."""
    (tmp_path / "line.py").write_text(LINE_FILE)
    (tmp_path / "line.yaml").write_text(LINE)
    cli("up", "line.yaml", code=0)
    found = cli.json("status", "line")["networks"][0]
    assert (found["running"], found["deviations"]) == (True, [])
    assert set(found["details"]["placement"].values()) == {"w1", "w2"}
    shaped = [rates(machine) for machine in lab.workers]
    assert sum(map(len, shaped)) == 30 + 2 * 29
    assert {rate for each in shaped for rate in each.values()} == {"1Gbit"}
    assert rate(cli, "h1", "h1-eth0") == rate(cli, "h30", "h30-eth0") == "1Gbit"
    checked = cli.json("check", "line")
    assert checked["unexpected"] == []
    assert checked["reachable"] == checked["pairs"] > 0


def test_an_interface_of_somebody_elses_is_left_alone(
    lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "t.yaml").write_text(TREE)
    machine = lab.workers[0]
    machine.run("ip", "link", "add", "s1", "type", "bridge")
    said = cli("up", "t.yaml", code=4)
    assert "worker w1 has s1 already, from somebody else" in said.stderr
    machine.run("ip", "link", "del", "s1")


def test_tunnels_without_gre_are_refused_and_one_worker_is_not(
    lab: MaxinetLaboratory, cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.yaml").write_text(TREE)
    program = lab.folder / "bin" / "ip"
    if not program.exists():
        pytest.skip("this kernel has GRE tunnels")
    program.rename(lab.folder / "ip")  # the kernel's own: MaxiNet would succeed, and lose all packets
    try:
        said = cli("up", "t.yaml", code=3).stderr
        assert "the kernel of worker w1 has no GRE tunnels" in said
        assert "`modprobe ip_gre` there, or use one worker" in said
        monkeypatch.setenv("EMULATOR_MAXINET_WORKERS", "w1")
        cli("up", "t.yaml", code=0)
        assert cli.json("check", "t")["reachable"] == 12
    finally:
        (lab.folder / "ip").rename(program)
