"""Real controllers of real switches: Open vSwitch's, our own, a user's command, one that runs elsewhere."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.command import CommandLine

import topologies
from emulator.controllers.supervisor import ControllerProcesses
from emulator.linux.namespaces import syscalls
from emulator.linux.namespaces.guard import namespace_guard
from topologies.openflow import Controller

EXAMPLES = Path(topologies.__file__).parent / "examples"
TREE = "name: t\nswitch: ovs\ntopology: {generator: tree, depth: 2, fanout: 2}\n"

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]
needs_ovs = pytest.mark.skipif(
    not (shutil.which("ovs-vswitchd") or Path("/usr/sbin/ovs-vswitchd").exists()),
    reason="Open vSwitch isn't installed: apt install openvswitch-switch",
)
needs_testcontroller = pytest.mark.skipif(
    not shutil.which("ovs-testcontroller"), reason="apt install openvswitch-testcontroller"
)
needs_mininet = pytest.mark.skipif(not shutil.which("mnexec"), reason="apt install mininet")
needs_os_ken = pytest.mark.skipif(find_spec("os_ken") is None, reason="pip install os-ken")


def checked(cli: CommandLine) -> int:
    """Return how many pairs reach each other, of a network where all should."""
    found = cli.json("check")
    assert found["unexpected"] == []
    assert found["reachable"] == found["pairs"]
    return int(found["pairs"])


def all_reach(cli: CommandLine) -> bool:
    return json.loads(cli("check", "--json").stdout)["unexpected"] == []


def program(state: Path, network: str, name: str = "c0") -> str:
    """Return the command line of a controller that runs."""
    pid = json.loads((state / network / "controllers" / f"{name}.pid").read_text())["pid"]
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


@needs_ovs
@needs_testcontroller
@pytest.mark.parametrize("protocol", ["OpenFlow10", "OpenFlow13", "OpenFlow15"])
def test_open_vswitchs_own_learning_controller(
    protocol: str, tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    (tmp_path / "t.yaml").write_text(TREE + f"openflow: {{controller: learning, protocols: [{protocol}]}}\n")
    cli("up", "t.yaml", code=0)
    assert "ovs-testcontroller" in program(state_dir, "t")
    assert checked(cli) == 12
    cli("down", "t", code=0)


@needs_ovs
@pytest.mark.parametrize("protocols", ["[OpenFlow10]", "[OpenFlow13]", "[OpenFlow10, OpenFlow14]"])
def test_our_learning_controller_takes_more_than_16_switches(
    protocols: str, tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    (tmp_path / "l.yaml").write_text(
        "name: l\nswitch: ovs\ntopology: {generator: ring, k: 18}\n"
        f"openflow: {{controller: learning, protocols: {protocols}}}\n"
    )
    cli("up", "l.yaml", code=0)
    assert "emulator.controllers.learning" in program(state_dir, "l")
    assert checked(cli) == 18 * 17
    cli("link", "s3", "s4", "down", code=0)
    assert checked(cli) == 18 * 17
    cli("down", "l", code=0)


@needs_ovs
@needs_testcontroller
@pytest.mark.parametrize("engine", ["netns", pytest.param("mininet", marks=needs_mininet)])
def test_a_network_may_outgrow_open_vswitchs_learning_controller(
    engine: str, tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    for switches, of in (
        (16, "testcontroller"),
        (18, "emulator.controllers.learning"),
        (16, "testcontroller"),
    ):
        (tmp_path / "g.yaml").write_text(
            "name: l\nswitch: ovs\nopenflow: {controller: learning}\n"
            f"topology: {{generator: linear, k: {switches}}}\n"
        )
        cli("up", "g.yaml", "--engine", engine, code=0)
        assert of in program(state_dir, "l")
        assert cli.json("check")["reachable"] == switches * (switches - 1)
    cli("down", "l", code=0)


@needs_ovs
@needs_testcontroller
def test_a_data_centre_with_loops_and_a_learning_controller(cli: CommandLine) -> None:
    cli("up", str(EXAMPLES / "data-centre-learning.yaml"), code=0)
    assert checked(cli) == 56
    cli("down", "data-centre-learning", code=0)


@needs_ovs
def test_a_fat_tree_by_computed_flows_uses_every_core(state_dir: Path, cli: CommandLine) -> None:
    cli("up", str(EXAMPLES / "fat-tree-ecmp.yaml"), code=0)
    assert checked(cli) == 240
    environment = os.environ | {"OVS_RUNDIR": str(state_dir / "fat-tree-ecmp" / "ovs")}
    used = {}
    for core in ("c1", "c2", "c3", "c4"):
        flows = subprocess.run(
            ["ovs-ofctl", "-O", "OpenFlow13", "dump-flows", core],
            env=environment, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        lines = [line for line in flows.splitlines() if "dl_dst=02:" in line]
        counts = [int(line.split("n_packets=")[1].split(",")[0]) for line in lines]
        assert len(counts) == 16
        used[core] = sum(counts)
    assert all(used.values()), used
    cli("down", "fat-tree-ecmp", code=0)


@needs_ovs
def test_a_command_starts_beside_its_file_and_is_told_its_port(
    tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "app.py").write_text(
        "import os, runpy, sys\n"
        "print('on', os.environ['OPENFLOW_PORT'])\n"
        "sys.argv = ['app', '--listen', os.environ['OPENFLOW_PORT']]\n"
        "runpy.run_module('emulator.controllers.learning', run_name='__main__')\n"
    )
    (folder / "t.yaml").write_text(
        TREE + "openflow: {controller: {command: [python3, app.py], port: 6700}}\n"
    )
    cli("up", "elsewhere/t.yaml", code=0)
    assert checked(cli) == 12
    assert (state_dir / "t" / "controllers" / "c0.log").read_text() == "on 6700\n"
    cli("down", "t", code=0)


@needs_ovs
def test_a_command_that_fails_takes_the_network_with_it(
    tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    (tmp_path / "t.yaml").write_text(
        TREE + "openflow: {controller: {command: [sh, -c, 'echo no; exit 5']}}\n"
    )
    done = cli("up", "t.yaml", code=4)
    assert "controller c0" in done.stderr
    assert "exit code 5" in done.stderr
    assert "  no" in done.stderr
    assert not state_dir.exists()


@contextmanager
def os_ken_application() -> Iterator[int]:
    """Run the example application in the machine's namespace; give its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    application = EXAMPLES / "controllers" / "learning_switch.py"
    process = subprocess.Popen(
        [sys.executable, application], env=os.environ | {"OPENFLOW_PORT": str(port)},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert until(lambda: answers(port)), process.communicate(timeout=1)
        yield port
    finally:
        process.kill()
        process.communicate()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def until(holds: Callable[[], bool], seconds: float = 15.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return False


@needs_ovs
@needs_os_ken
def test_a_remote_os_ken_application_makes_a_fat_tree_work(tmp_path: Path, cli: CommandLine) -> None:
    text = (EXAMPLES / "fat-tree-remote.yaml").read_text()
    with os_ken_application() as port:
        (tmp_path / "f.yaml").write_text(text.replace("6653", str(port)))
        cli("up", "f.yaml", code=0)
        assert until(lambda: all_reach(cli))
        assert checked(cli) == 240
        cli("link", "e1", "a1", "down", code=0)
        assert until(lambda: all_reach(cli))
        cli("down", "fat-tree-remote", code=0)


@needs_ovs
@needs_os_ken
def test_the_same_application_started_with_the_network(cli: CommandLine) -> None:
    cli("up", str(EXAMPLES / "fat-tree-command.yaml"), code=0)
    assert until(lambda: all_reach(cli))
    cli("down", "fat-tree-command", code=0)


@contextmanager
def namespace() -> Iterator[int]:
    """Make a network namespace with a loopback; give its descriptor."""
    with namespace_guard("net"):
        syscalls.unshare(syscalls.CLONE_NEWNET)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        made = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield made
    finally:
        os.close(made)


@contextmanager
def entered(descriptor: int) -> Iterator[None]:
    with namespace_guard("net"):
        syscalls.setns(descriptor, syscalls.CLONE_NEWNET)
        yield


def test_a_relay_joins_switches_to_a_controller_elsewhere(tmp_path: Path) -> None:
    """300 switches; a controller that goes away and comes back; nothing of it is inside."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as controller, namespace() as inside:
        address = controller.getsockname()
        relay = ControllerProcesses(tmp_path, {"c0": Controller("remote", *address)}, lambda: entered(inside))
        relay.start()
        try:
            switches = [connected(inside, relay.ports["c0"]) for _ in range(300)]
            ends = [controller.accept()[0] for _ in switches]
            for number, switch in enumerate(switches):
                switch.sendall(f"hello {number:03}".encode())
            found = {end.recv(9, socket.MSG_WAITALL): end for end in ends}
            assert set(found) == {f"hello {number:03}".encode() for number in range(300)}
            big = os.urandom(1 << 20)
            found[b"hello 007"].sendall(big)
            assert received(switches[7], len(big)) == big
            found[b"hello 008"].close()
            assert switches[8].recv(1) == b""
            for each in (*switches, *ends):
                each.close()
            controller.close()
            with connected(inside, relay.ports["c0"]) as switch, pytest.raises(ConnectionResetError):
                switch.recv(1)
            with socket.create_server(address) as again, connected(inside, relay.ports["c0"]) as switch:
                end, _ = again.accept()
                with end:
                    end.sendall(b"back")
                    assert switch.recv(4, socket.MSG_WAITALL) == b"back"
        finally:
            relay.stop()
        assert "refused" in relay.log("c0").read_text()
        assert "is there again" in relay.log("c0").read_text()


def connected(inside: int, port: int) -> socket.socket:
    with entered(inside):
        return socket.create_connection(("127.0.0.1", port), 10)


def received(source: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        data += source.recv(length)
    return data


@needs_ovs
@needs_testcontroller
def test_controllers_churn_and_are_there_again(tmp_path: Path, state_dir: Path, cli: CommandLine) -> None:
    (tmp_path / "t.yaml").write_text(TREE + "openflow: {controller: learning}\n")
    (tmp_path / "churn.yaml").write_text(
        "name: churn\nduration: 3 s\nsteps:\n"
        "  - {action: controller-restart, target: c0, rate: 1, down: 500 ms}\n"
        "limits: [errors == 0]\n"
    )
    cli("up", "t.yaml", code=0)
    before = program(state_dir, "t")
    found = cli.json("stress", "churn.yaml", "--net", "t")
    assert found["held"] is True
    assert program(state_dir, "t") == before
    assert until(lambda: all_reach(cli))
    cli("down", "t", code=0)


@needs_ovs
def test_a_remote_controller_is_cut_off_and_reached_again(
    tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    (tmp_path / "t.yaml").write_text(TREE + f"openflow: {{controller: {{remote: '127.0.0.1:{port}'}}}}\n")
    (tmp_path / "churn.yaml").write_text(
        "name: churn\nduration: 2 s\nsteps: [{action: controller-restart, rate: 1, down: 200 ms}]\n"
    )
    command = [sys.executable, "-m", "emulator.controllers.learning", "--listen", str(port)]
    with subprocess.Popen(command, cwd=tmp_path) as controller:
        try:
            assert until(lambda: answers(port))
            cli("up", "t.yaml", code=0)
            cli("stress", "churn.yaml", "--net", "t", code=0)
            words = [
                "exec",
                "s1",
                "--",
                "ovs-vsctl",
                "--bare",
                "--columns=is_connected",
                "list",
                "controller",
            ]
            assert until(lambda: cli(*words, code=0).stdout.split() == ["true"] * 3)
            assert checked(cli) == 12
            assert cli.json("status")["networks"][0]["notes"] == []
            cli("down", "t", code=0)
        finally:
            controller.terminate()
