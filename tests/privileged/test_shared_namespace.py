"""Nodes that share a network namespace: each one's processes end with it, and with it alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from support.command import CommandLine

from emulator.engines.registry import attach
from emulator.errors import KernelError
from emulator.linux.namespaces import syscalls
from emulator.network import Network

PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
ENGINES = {"netns": ("ovs-vswitchd",), "mininet": ("mnexec", "brctl")}
FILE = "name: shared\nengine: {}\nswitch: {}\ntopology: {{generator: linear, k: {}, hosts_per_switch: 1}}\n"

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]


class Up:
    """Brings up the network with a number of switches, or changes it to that number; starts commands."""

    def __init__(self, cli: CommandLine, engine: str) -> None:
        self._cli, self._engine = cli, engine
        self._started: list[subprocess.Popen[bytes]] = []

    def __call__(self, count: int) -> Network:
        switch = "ovs" if self._engine == "netns" else "bridge"
        (self._cli.folder / "net.yaml").write_text(FILE.format(self._engine, switch, count))
        self._cli("up", "net.yaml", code=0)
        return attach("shared")

    def spawn(self, network: Network, name: str, argv: list[str]) -> subprocess.Popen[bytes]:
        process = network.access.nodes.spawn(  # type: ignore[attr-defined]
            network.topology.names.index(name), argv
        )
        assert isinstance(process, subprocess.Popen)
        self._started.append(process)
        return process

    def processes(self, network: Network) -> dict[str, list[psutil.Process]]:
        """Start commands in s1, s2 and h1: one without any environment, and one in its own session."""
        found = {}
        for name in ("s1", "s2", "h1"):
            script = "setsid sleep 600 >/dev/null 2>&1 & echo $!; exec env -i sleep 600"
            process = self.spawn(network, name, ["sh", "-c", script])
            assert process.stdout is not None
            found[name] = [psutil.Process(pid) for pid in (process.pid, int(process.stdout.readline()))]
        return found

    def close(self) -> None:
        self._cli("down", "shared", code=0)
        for process in self._started:
            process.communicate(timeout=10)


@pytest.fixture(params=["netns", "mininet"])
def up(request: pytest.FixtureRequest, cli: CommandLine) -> Iterator[Up]:
    if not all(shutil.which(program, path=PATH) for program in ENGINES[request.param]):
        pytest.skip(f"{ENGINES[request.param]} aren't here")
    made = Up(cli, request.param)
    yield made
    made.close()


def live(found: dict[str, list[psutil.Process]]) -> list[str]:
    """Return the nodes whose processes all run; those of the others have all ended, or soon will have."""
    out = []
    for name, some in found.items():
        end = time.monotonic() + 2
        while (runs := {one.is_running() and one.status() != "zombie" for one in some}) != {True}:
            if runs == {False}:
                break
            assert time.monotonic() < end, f"only some processes of {name} have ended"
        else:
            out.append(name)
    return out


def missing(network: Network) -> list[str]:
    return sorted(one.node for one in network.deviations() if one.object == f"node {one.node}")


def test_a_removed_node_takes_its_own_processes_with_it(up: Up) -> None:
    network = up(2)
    found = up.processes(network)
    s1, h1 = map(network.topology.names.index, ("s1", "h1"))
    assert live(found) == ["s1", "s2", "h1"]
    with ThreadPoolExecutor(1) as outside:  # the session keeps its own thread in the network's mounts
        assert outside.submit(network.health).result().nodes == 4
        with network.session() as session:
            session.remove_node(s1)
            assert live(found) == ["s2", "h1"]
            assert outside.submit(network.health).result().nodes == 3
            assert outside.submit(missing, network).result() == ["s1"]
            session.remove_node(h1)
            assert live(found) == ["s2"]
            session.add_node(h1)
            session.add_node(s1)
            assert outside.submit(network.health).result().nodes == 4
    assert live(found) == ["s2"]
    assert network.repair() == []
    assert network.health().running


def test_a_node_that_leaves_the_file_does_so_too(up: Up) -> None:
    found = up.processes(up(2))
    up(1)
    assert live(found) == ["s1", "h1"]


def test_no_process_is_left_of_a_network_with_shared_namespaces(up: Up, cli: CommandLine) -> None:
    found = up.processes(up(2))
    cli("down", "shared", code=0)
    assert live(found) == []
    up(2)


def test_where_sys_cannot_be_mounted_the_mark_is_elsewhere(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers without the privilege for it refuse the mount."""
    mount = syscalls.mount

    def refusing(source: str, target: str, fstype: str = "", flags: int = 0, data: str = "") -> None:
        if fstype == "sysfs":
            raise KernelError("mount", target, 1)
        mount(source, target, fstype, flags, data)

    network = up(2)
    monkeypatch.setattr(syscalls, "mount", refusing)
    found = up.processes(network)
    with network.session() as session:
        session.remove_node(network.topology.names.index("s2"))
        assert live(found) == ["s1", "h1"]
