"""A real Distrinet, where one is installed. `tests/privileged/test_distrinet.py` runs over a stand-in.

EMULATOR_DISTRINET_PYTHON and EMULATOR_DISTRINET_HOME name it. EMULATOR_DISTRINET_IMAGE_FILE is the file of an
LXD image for nodes: two workers in namespaces are made with it, which needs root, LXD and an SSH server.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from engines_real.laboratory import wait_until
from engines_real.lxd_laboratory import PROGRAMS, LxdLaboratory, lxd_laboratory

from emulator.checks.reachability import check_reachability
from emulator.engine_options import engine_plan
from emulator.engines.distrinet import DistrinetEngine
from emulator.engines.remote import tunnels
from emulator.engines.remote.driver import process_of
from emulator.engines.remote.network import RemoteNetwork
from emulator.engines.remote.tunnel_frames import tunnel_frames
from emulator.engines.remote.tunnels import require_tunnels
from emulator.errors import BrokenError
from emulator.network import LinkState
from emulator.state import NetworkState, state_root
from topologies.build import build
from topologies.profiles import Shape
from topologies.spec.load import load_text

NEEDED = ("EMULATOR_DISTRINET_PYTHON", "EMULATOR_DISTRINET_HOME", "EMULATOR_DISTRINET_IMAGE_FILE")
missing = [name for name in NEEDED if not os.environ.get(name)]
lacking = [program for program in PROGRAMS if shutil.which(program) is None]
pytestmark = [
    pytest.mark.privileged,
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing), reason=f"no real Distrinet: set {', '.join(missing)}"),
    pytest.mark.skipif(bool(lacking), reason=f"no laboratory for Distrinet without {', '.join(lacking)}"),
]
SHAPED = """switch: ovs
topology: {generator: tree, depth: 2, fanout: 2}
links:
  - {match: {}, bandwidth: 10 Mbit}"""
ECMP = """switch: ovs
openflow: {flows: ecmp}
topology: {generator: leaf-spine, leaves: 2, spines: 2, hosts_per_leaf: 2}"""
TOPOLOGIES = {
    "tree of 4": ("topology: {generator: tree, depth: 2, fanout: 2}", 12),
    "line of 16": ("topology: {generator: linear, k: 4, hosts_per_switch: 4}", 240),
    "core, aggregation, edge": ("topology: {generator: core-aggregation-edge, hosts_per_edge: 4}", 240),
    "Open vSwitch with rates": (SHAPED, 12),
    "Open vSwitch with ECMP": (ECMP, 12),
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LxdLaboratory]:
    image = Path(os.environ["EMULATOR_DISTRINET_IMAGE_FILE"])
    with lxd_laboratory(tmp_path_factory.mktemp("distrinet"), image) as found:
        yield found


@pytest.fixture
def engine(lab: LxdLaboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DistrinetEngine]:
    """The engine, which leaves nothing on the workers."""
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("EMULATOR_DISTRINET_KEY", str(lab.key))
    yield DistrinetEngine()
    DistrinetEngine().take_down("real")
    assert lab.containers() == ""
    assert set(lab.devices()) == {"lo", "eth0"}


def deployed(engine: DistrinetEngine, lab: LxdLaboratory, text: str) -> RemoteNetwork:
    workers = [{"name": worker.name, "address": worker.address} for worker in lab.workers]
    options = json.dumps({"name": "distrinet", "workers": workers})
    found = load_text(f"name: real\nengine: {options}\n{text}\n")
    plan = engine_plan(found, build(found), "distrinet")
    engine.accept(plan)
    return engine.deploy(plan)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_all_pairs_reach_each_other_over_two_workers(
    name: str, engine: DistrinetEngine, lab: LxdLaboratory
) -> None:
    text, pairs = TOPOLOGIES[name]
    network = deployed(engine, lab, text)
    report = check_reachability(network)
    assert (report.reachable, report.unexpected) == (pairs, [])
    assert list(network.deviations()) == []


def test_a_tunnel_that_pings_could_avoid_is_tested_by_itself(
    engine: DistrinetEngine, lab: LxdLaboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = deployed(engine, lab, ECMP)
    assert tunnel_frames(network.plan)
    require_tunnels(network.plan, network.access, "fix")
    monkeypatch.setattr(tunnels, "_WAITS", (1.0, 1.0))
    shown = lab.workers[0].run("ip", "-br", "link", "show", "type", "vxlan").stdout.splitlines()
    name = shown[-1].split()[0]  # that of the last link: the first one is the administration's
    lab.workers[0].run("ip", "link", "set", "dev", name, "down")
    with pytest.raises(BrokenError, match=r"^1 tunnel \(.*carry nothing; fix$"):
        require_tunnels(network.plan, network.access, "fix")


def test_commands_links_and_errors(engine: DistrinetEngine, lab: LxdLaboratory) -> None:
    network = deployed(engine, lab, TOPOLOGIES["tree of 4"][0])
    names = network.topology.names
    (result,) = network.access.execute([names.index("h1")], ["printf", "%s|", "a  b", "$HOME", "it's"])
    assert (result.code, result.output, result.errors) == (0, b"a  b|$HOME|it's|", b"")
    (result,) = network.access.execute([names.index("h1")], ["sleep", "60"], 1)
    assert result.code == 124
    pair = {names.index("s1"), names.index("s2")}
    link = next(n for n, ends in enumerate(network.topology.ends.tolist()) if set(ends) == pair)
    network.set_link(link, LinkState(up=False))
    assert check_reachability(network).reachable == 4
    network.set_link(link, LinkState())
    assert check_reachability(network).reachable == 12
    probe = lab.workers[0].run(
        "unshare", "-n", "tc", "qdisc", "add", "dev", "lo", "root", "netem", check=False
    )
    if probe.returncode:
        slow = Shape(delay=0.01)
        with pytest.raises(BrokenError, match=r"s1: `tc qdisc add .* netem"):
            network.set_link(link, LinkState(forward=slow, backward=slow))


def test_down_removes_all_after_the_driver_was_killed(engine: DistrinetEngine, lab: LxdLaboratory) -> None:
    network = deployed(engine, lab, TOPOLOGIES["tree of 4"][0])
    os.kill(network.process.pid, signal.SIGKILL)
    engine.take_down("real")
    assert lab.containers() == ""


def test_no_container_appears_after_the_driver_was_killed_while_it_made_some(
    engine: DistrinetEngine, lab: LxdLaboratory
) -> None:
    with ThreadPoolExecutor(1) as pool:
        up = pool.submit(deployed, engine, lab, TOPOLOGIES["line of 16"][0])
        wait_until(
            "`lxc init`",
            lambda: any("lxc init" in worker.run("ps", "-eo", "args").stdout for worker in lab.workers),
        )
        os.kill(process_of(NetworkState(state_root(), "real").read()).pid, signal.SIGKILL)
        with pytest.raises(BrokenError, match="has ended"):
            up.result()
    assert lab.containers() == ""
    time.sleep(20)  # each of them would be there by now
    assert lab.containers() == ""
