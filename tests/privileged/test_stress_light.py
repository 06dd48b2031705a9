"""Stress on light ports in the kernel: they have their identity, migration loses nothing, and kills heal.

What the counters say is compared with what the probes saw; the kernel afterwards with itself before.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import CommandLine
from support.kernel_snapshot import difference_within, settled
from support.overlay import NEEDS_BPF

from emulator.engines.netns import NetnsEngine, NetnsNetwork
from emulator.engines.registry import attach
from emulator.linux.overlay.find import open_maps
from emulator.linux.overlay.maps import PLACE, SLOT
from emulator.plan import make_plan
from stress.records import RunResult
from stress.runner import run
from stress.scenario.load import load_text
from stress.schedule import planned
from topologies.build import build
from topologies.light_devices import has_devices
from topologies.spec.load import load_text as load_topology

pytestmark = pytest.mark.privileged

TEXT = (
    "name: v\nforwarding: routed\ntopology: {generator: vpc, vpcs: 2, subnets: 2, ports: 6, hosts: 3KIND}\n"
)
KINDS = [pytest.param("", id="programs", marks=NEEDS_BPF), pytest.param(", device: true", id="devices")]


@pytest.fixture(params=KINDS)
def network(state_dir: Path, request: pytest.FixtureRequest) -> Iterator[NetnsNetwork]:
    text = TEXT.replace("KIND", request.param)
    made = NetnsEngine().deploy(make_plan(build(load_topology(text)), "netns"))
    try:
        yield made
    finally:
        made.down()


def ran(network: NetnsNetwork, text: str) -> RunResult:
    document = load_text(f"name: x\n{text}")
    schedule = planned(document, network.topology, 1, document.steps(None))
    result = run(document, schedule, network, seed=1)
    assert {outcome.error for outcome in result.outcomes} <= {""}
    assert result.leaks.leaked == []
    return result


def answered(result: RunResult) -> dict[str, tuple[int, int]]:
    """Return for each probe of the scenario how many were sent, and answered."""
    sent: Counter[str] = Counter()
    heard: Counter[str] = Counter()
    for record in result.probes:
        sent[record.probe] += record.sent
        heard[record.probe] += record.answered
    return {name: (sent[name], heard[name]) for name in sent}


def test_ports_that_go_together_are_gone_and_come_back_as_they_were(
    network: NetnsNetwork, state_dir: Path
) -> None:
    before, names = settled(state_dir, "v"), network.topology.names
    churn = "churn: {percent: 100 %, delay: 5 s, cycles: 1}"
    result = ran(
        network,
        f"""\
steps:
  - {{action: port-churn, target: {{name: 'v1*'}}, away: 500 ms, {churn}, duration: 1 s}}
probes:
  - {{name: inside, probe: ping, pairs: 2, source: 'v1*', target: 'v1*', interval: 20 ms}}
  - {{name: beside, probe: ping, pairs: 2, source: 'v2*', target: 'v2*', interval: 20 ms}}
""",
    )
    assert len(result.outcomes) == 2 * sum(name.startswith("v1") for name in names)
    assert not result.outcomes.skipped.any()
    inside, beside = answered(result)["inside"], answered(result)["beside"]
    assert 0 < inside[1] < inside[0] * 0.8
    assert beside[0] == beside[1] > 0
    assert not difference_within(before, state_dir, "v")
    assert network.deviations() == []


def test_ports_migrate_under_ping_and_nothing_is_lost_and_all_is_counted(
    network: NetnsNetwork, state_dir: Path
) -> None:
    before = settled(state_dir, "v")
    result = ran(network, """\
warmup: 300 ms
cooldown: 300 ms
steps:
  - {action: migration, target: 'v1s1*', rate: 50, away: 100 ms, duration: 1500 ms}
probes:
  - {probe: ping, name: moved, pairs: 8, interval: 20 ms, timeout: 500 ms, source: 'v1s2*', target: 'v1s1*'}
  - {probe: ping, name: still, pairs: 4, interval: 20 ms, timeout: 500 ms, source: 'v2*', target: 'v2*'}
""")  # fmt: skip
    assert len(result.outcomes) == 150
    assert not result.outcomes.skipped.any()
    found = answered(result)
    for sent, heard in found.values():
        assert heard == sent > 100
    rows = {row["name"]: row for row in result.light_ports["vpcs"]}
    for vpc, probe in (("v1", "moved"), ("v2", "still")):  # the request and the answer of each
        counted = [rows[vpc][key] for key in ("rx_packets", "tx_packets")]
        if has_devices(network.topology):  # they count ARP, too, and anew wherever they move to
            assert min(counted) > found[probe][0]
            continue
        assert counted == [2 * found[probe][0]] * 2
        assert rows[vpc]["dropped"] == 0
    by_host = result.light_ports["compute_hosts"]
    assert {row["name"] for row in by_host} == {"h1", "h2", "h3"}
    for key in ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes"):
        assert sum(row[key] for row in by_host) == sum(row[key] for row in rows.values())
    assert not difference_within(before, state_dir, "v")


def test_macs_of_ports_flap_between_hosts_and_what_is_sent_to_them_is_lost_meanwhile(
    network: NetnsNetwork, state_dir: Path
) -> None:
    before = settled(state_dir, "v")
    result = ran(network, """\
steps:
  - {action: mac-move, target: 'v1s1*', rate: 20, away: 250 ms, duration: 1 s}
probes:
  - {probe: ping, name: moved, pairs: 12, interval: 20 ms, timeout: 100 ms, source: 'v1s2*', target: 'v1s1*'}
  - {probe: ping, name: still, pairs: 4, interval: 20 ms, timeout: 500 ms, source: 'v2*', target: 'v2*'}
""")  # fmt: skip
    assert len(result.outcomes) == 40
    assert not result.outcomes.skipped.any()
    found = answered(result)
    assert found["still"][0] == found["still"][1] > 0
    assert 0 < found["moved"][1] < found["moved"][0] * 0.8
    if not has_devices(network.topology):
        rows = {row["name"]: row for row in result.light_ports["vpcs"]}
        assert rows["v1"]["dropped"] > 0 == rows["v2"]["dropped"]
    assert not difference_within(before, state_dir, "v")
    assert network.deviations() == []


def test_flows_and_connections_of_ports_arrive_and_other_vpcs_notice_no_churn(network: NetnsNetwork) -> None:
    result = ran(network, """\
steps:
  - parallel:
    - {action: vpc-churn, target: v1, rate: 2, away: 200 ms, duration: 1 s}
    - {action: traffic, flows: 3, source: 'v2*', target: 'v2*', duration: 1 s}
    - {action: traffic, name: u, protocol: udp, flows: 3, source: 'v2*', target: 'v2*', duration: 1 s}
probes:
  - {probe: tcp, name: churned, pairs: 6, interval: 20 ms, timeout: 100 ms, source: 'v1*', target: 'v1*'}
  - {probe: tcp, name: other, pairs: 6, interval: 20 ms, source: 'v2*', target: 'v2*'}
""")  # fmt: skip
    found = answered(result)
    assert found["other"][1] == found["other"][0] > 50
    assert 0 < found["churned"][1] < found["churned"][0]
    assert len(result.traffic) == 6
    assert all(flow["received_bytes"] > 10_000 and not flow["error"] for flow in result.traffic)


KILLED = """\
name: killed
steps:
  - parallel:
    - {action: migration, target: 'v1*', rate: 40, away: 30 s, duration: 60 s}
    - {action: mac-move, target: 'v2s1*', rate: 40, away: 30 s, duration: 60 s}
    - {action: vpc-churn, target: v2, rate: 5, away: 10 s, duration: 60 s}
    - {action: port-flap, target: 'v1*', rate: 10, down: 30 s, duration: 60 s}
"""


@pytest.mark.e2e
def test_a_killed_run_gives_ports_back(
    network: NetnsNetwork, state_dir: Path, cli: CommandLine, tmp_path: Path
) -> None:
    before = settled(state_dir, "v")
    scenario = tmp_path / "killed.yaml"
    scenario.write_text(KILLED)
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "emulator", "stress", str(scenario), "--net", "v"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 20
        while not (state_dir / "v" / "stress.json").exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.6)
        process.send_signal(signal.SIGKILL)
    said = cli("status", "v", code=1)
    assert "a stress run was killed" in said.stdout + said.stderr
    recovered = cli.json("stress", "--recover", "--net", "v", code=0)["recovered"]
    wanted = "macvlan" if has_devices(network.topology) else "compute host: expected"
    assert any(wanted in line for line in recovered)
    cli("status", "v", code=0)
    cli("check", "v", code=0)
    assert not difference_within(before, state_dir, "v")
    running = attach("v")
    assert isinstance(running, NetnsNetwork)
    assert running.plan.overlay is not None
    if running.plan.overlay.ports.devices:
        return
    with open_maps(running.plan.overlay, running._store) as maps:
        assert not len(maps.moving.lookup_batch(SLOT, PLACE)[0])
