"""Probes on the kernel: they see what goes away and comes back, and cost little."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from emulator.engines.netns import NetnsEngine, NetnsNetwork
from emulator.plan import make_plan
from stress.metrics.sampler import Sampler
from stress.probes.start import TaskProbes, start_probes
from stress.scenario.model import Probe
from topologies.build import build
from topologies.spec.load import load_text

pytestmark = pytest.mark.privileged


@pytest.fixture
def network(state_dir: Path) -> Iterator[NetnsNetwork]:
    topology = build(load_text("name: probed\ntopology: {generator: tree, depth: 2, fanout: 4}\n"))
    made = NetnsEngine().deploy(make_plan(topology, "netns"))
    yield made
    made.down()


@pytest.fixture
def clock() -> Callable[[], float]:
    begin = time.monotonic()
    return lambda: time.monotonic() - begin


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def answered(group: TaskProbes) -> int:
    return group.answered()


@pytest.mark.parametrize("kind", ["ping", "tcp"])
def test_a_node_that_is_removed_and_made_anew_is_one_window(
    network: NetnsNetwork, clock: Callable[[], float], kind: str
) -> None:
    keys = {"pairs": 12, "interval": 0.05, "timeout": 0.2}
    group = start_probes([Probe.model_validate({"probe": kind, **keys})], network, clock)
    until(lambda: answered(group) > 60)
    source = network.topology.names.find("h1")
    assert source is not None
    with network.session() as session:
        went = clock()
        session.remove_node(source)
        gone = clock()  # until here a right answer may still come
        until(lambda: group.wrong() > 0)
        session.add_node(source)
        back = clock()
        until(lambda: group.wrong() == 0)
        end = answered(group)
        until(lambda: answered(group) > end + 60)
    records = group.stop()
    hit = [record for record in records if record.windows]
    assert hit
    assert {"h1"} <= {record.source for record in hit} | {record.target for record in hit}
    assert all("h1" in {record.source, record.target} for record in hit)
    for record in hit:
        (window,) = record.windows
        assert window.since is not None
        assert window.since <= gone + 0.05
        assert went - 0.01 <= window.start
        assert window.end is not None
        assert window.end >= back - 0.05
        assert record.sent - record.answered == window.lost
    assert all(0 < seconds < 0.2 for record in records for _, seconds in record.times)


def test_a_cut_of_the_only_way_hits_who_goes_over_it(
    network: NetnsNetwork, clock: Callable[[], float]
) -> None:
    group = start_probes([Probe(probe="ping", pairs=240, interval=0.1, timeout=0.2)], network, clock)
    until(lambda: answered(group) > 480)
    with network.session() as session:
        node = network.topology.names.find("h3")
        assert node is not None
        session.set_port(node, 0, up=False)
        until(lambda: group.wrong() == 30)
        session.set_port(node, 0, up=True)
        until(lambda: group.wrong() == 0)
    records = group.stop()
    assert len(records) == 240
    assert all(bool(r.windows) == ("h3" in {r.source, r.target}) for r in records)


def test_commands_are_asked_in_their_node(network: NetnsNetwork, clock: Callable[[], float]) -> None:
    probe = Probe(probe="command", pairs=2, interval=0.2, timeout=2.0,
                  command=["sh", "-c", 'test "$0" != 10.0.0.1 && grep -q . /proc/net/dev', "{target}"],
                  source="h2", target="h[13]")  # fmt: skip
    group = start_probes([probe], network, clock)
    until(lambda: answered(group) > 2)
    records = {record.target: record for record in group.stop()}
    assert records["h1"].answered == 0
    assert records["h1"].loss == 1.0
    assert records["h3"].loss == 0.0


def test_two_hundred_pairs_at_ten_hertz_take_a_quarter_of_a_core(
    network: NetnsNetwork, clock: Callable[[], float]
) -> None:
    begin = time.process_time()
    group = start_probes([Probe(probe="ping", pairs=200, interval=0.1, timeout=1.0)], network, clock)
    until(lambda: answered(group) >= 4000, 30)
    records = group.stop()
    sent = sum(record.sent for record in records)
    cpu = time.process_time() - begin
    assert cpu / sent <= 0.25 / 2000  # a quarter of a core for 2,000 a second
    assert group.cost <= cpu
    assert sum(record.answered for record in records) == sent


def test_the_counters_of_a_port_in_a_node(network: NetnsNetwork, clock: Callable[[], float]) -> None:
    node = network.topology.names.find("h5")
    assert node is not None
    sampler = Sampler(0.1, [(node, 0)], network)
    sampler.start(clock)
    probe = Probe(probe="ping", pairs=15, source="h5", interval=0.05, timeout=1.0)
    group = start_probes([probe], network, clock)
    until(lambda: answered(group) > 100)
    with network.session() as session:  # the counters begin anew with the node
        session.remove_node(node)
        session.add_node(node)
    until(lambda: clock() > 1.5)
    group.stop()
    samples, cost = sampler.stop()
    rates = [sample.values["port.h5-eth0.tx_packets"] for sample in samples
             if "port.h5-eth0.tx_packets" in sample.values]  # fmt: skip
    assert max(rates) > 100
    assert min(rates) >= 0
    assert 0 < cost < 1.0


def test_what_runs_in_a_network_is_in_its_namespaces(state_dir: Path) -> None:
    """The kernel's own links say so: /proc/PID/ns/net of each is that of a node, or of the switches."""
    text = "name: probed\nswitch: ovs\ntopology: {generator: tree, depth: 2, fanout: 4}\n"
    network = NetnsEngine().deploy(make_plan(build(load_text(text)), "netns"))
    with subprocess.Popen(["sleep", "60"]) as outside:
        try:
            node = network.topology.names.find("h5")
            assert node is not None
            assert outside.pid not in network.access.nodes.processes()
            before = set(network.access.nodes.processes())
            with network.access.nodes.spawn(node, ["sleep", "61"]) as sleeper:
                inside = set(network.access.nodes.processes())
                sleeper.kill()
            assert inside - before == {sleeper.pid}
            names = {psutil.Process(pid).name() for pid in before}
            assert names >= {"ovs-vswitchd", "ovsdb-server"}
            folder = str(state_dir / "probed")
            known = {one.pid for one in psutil.process_iter(["cmdline"])
                     if folder in " ".join(one.info["cmdline"] or ())}  # fmt: skip
            assert known <= before | {os.getpid()}
        finally:
            outside.kill()
            network.down()
