"""One suite for all engines: the same files, the same reachability, addresses, failures and churn.

What a file must show stands in expected.json. Each test brings one file up on one engine with one kind
of switch, goes through everything by a handle that was attached as another command would do, and
takes it down.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from conformance.variants import (
    EXPECTED,
    FILES,
    MEASURED,
    ON_CLUSTER,
    ON_STAND_INS,
    REFUSED,
    REFUSED_ANYWHERE,
    VARIANTS,
    Variant,
)
from support import throughput
from support.stand_ins import LABORATORIES

from emulator.access import Capability, Echo
from emulator.checks.reachability import check_reachability
from emulator.engines.namespaced_access import NamespacedAccess
from emulator.engines.planning import planned
from emulator.engines.registry import attach, engine_named
from emulator.errors import RefusedError
from emulator.network import LinkState, Network, Session
from emulator.state import names, state_root
from topologies.build import build
from topologies.engines import ENGINES
from topologies.identifiers import interface_name
from topologies.spec.load import load_text
from topologies.topology import Kind

pytestmark = [pytest.mark.privileged]

WANTED: dict[str, dict[str, Any]] = json.loads(EXPECTED.read_text(encoding="utf-8"))
SCRIPT = throughput.__file__
UDP_PAYLOAD = 1472 / 1514


class Running:
    """A file that is up on an engine: what the tests look at."""

    def __init__(self, file: Path, variant: Variant) -> None:
        self.variant = variant
        self.wanted = WANTED[file.stem]
        text = file.read_text(encoding="utf-8") + f"switch: {variant.switch}\n"
        document = load_text(text, file.name, file.parent)
        self.topology = build(document)
        engine = engine_named(variant.engine)
        plan = planned(document, self.topology, engine)
        self.warnings = plan.warnings
        engine.accept(plan)
        engine.deploy(plan, str(file))
        self.network: Network = attach(self.topology.name)

    def node(self, name: str) -> int:
        return self.topology.names.index(name)

    def wanted_ports(self, name: str) -> dict[str, dict[str, Any]]:
        """Return what a host's interfaces must be; links between workers lower the MTU of all links.

        On a cluster only those of the same broadcast domain are lower: the plan tells which.
        """
        wanted = {port: dict(values) for port, values in self.wanted["hosts"][name].items()}
        if self.variant.engine == "cluster":
            topology, node = self.network.topology, self.node(name)
            for link, _, port in topology.incident(node):
                mtu = topology.link_profile_of(link).effective_mtu
                wanted[interface_name(topology, node, port)]["mtu"] = mtu
            least = min((values["mtu"] for values in wanted.values()), default=0)
            for bridge in (values for port, values in wanted.items() if port == name):
                bridge["mtu"] = least
        if self.variant.stands_in and "MTU" in " ".join(self.warnings):
            most = ENGINES[self.variant.engine].tunnel_mtu
            for values in wanted.values():
                values["mtu"] = min(values["mtu"], most)
        return wanted

    @property
    def cut(self) -> int:
        a, b = (self.node(name) for name in self.wanted["cut"])
        ends = self.topology.ends.tolist()
        return next(link for link, pair in enumerate(ends) if sorted(pair) == sorted((a, b)))

    def reachable(self) -> int:
        """Return how many pairs of hosts reach each other; none may be other than the graph says."""
        seconds = 2.0 if self.variant.stands_in else 0.6  # a `ping` is started for each question
        found = check_reachability(self.network, sample=100_000, timeout=seconds)
        assert (found.unexpected, found.wrong_trips) == ([], [])
        return found.reachable

    def hears(self, source: int, target: int) -> bool:
        """Return whether `source` gets an answer from `target`; what comes back may take a moment."""
        echoes = [Echo(source, address) for address in self.network.addresses(target)[:1]]
        return any(None not in self.network.access.ping(echoes, 1.0) for _ in range(5))

    def is_deaf(self, source: int, target: int) -> bool:
        """Return whether `source` gets no answer from `target`."""
        echoes = [Echo(source, address) for address in self.network.addresses(target)[:1]]
        return None in self.network.access.ping(echoes, 0.2)


@pytest.fixture(params=VARIANTS, ids=lambda variant: variant.name)
def variant(request: pytest.FixtureRequest) -> Variant:
    wanted: Variant = request.param
    if wanted.missing():
        pytest.skip(wanted.missing())
    return wanted


@pytest.fixture(scope="module", autouse=True)
def environments(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, dict[str, str]]]:
    """Run workers for the engines that need some, for all tests; give the environment that names them."""
    variants = {
        item.callspec.params.get("variant") for item in request.session.items if hasattr(item, "callspec")
    }
    engines = {
        variant.engine for variant in variants if variant and variant.stands_in and not variant.missing()
    }
    with ExitStack() as stack:
        yield {
            engine: stack.enter_context(LABORATORIES[engine](tmp_path_factory.mktemp(engine)))
            for engine in sorted(engines)
        }


@pytest.fixture
def named(variant: Variant, environments: dict[str, dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the workers of an engine that needs some."""
    for name, value in environments.get(variant.engine, {}).items():
        monkeypatch.setenv(name, value)


_MARKED = [pytest.param(f, marks=pytest.mark.alone) if f.stem in MEASURED else f for f in FILES]


@pytest.fixture(params=_MARKED, ids=lambda file: file.stem)
def running(
    request: pytest.FixtureRequest, variant: Variant, named: None, state_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Running]:  # fmt: skip
    del named
    assert not state_dir.exists()
    some = ON_CLUSTER if variant.engine == "cluster" else ON_STAND_INS
    chosen = request.param.stem in some or "CONFORMANCE_ALL" in os.environ
    if variant.stands_in and not chosen:
        pytest.skip("over a stand-in with CONFORMANCE_ALL=1")
    different = REFUSED.get((variant.engine, request.param.stem))
    if different:
        with pytest.raises(RefusedError, match=different):
            Running(request.param, variant)
        assert names(state_root()) == []
        if (variant.engine, request.param.stem) in REFUSED_ANYWHERE:
            pytest.skip(f"{variant.engine} refuses it: {different}")
        workers = f"EMULATOR_{variant.engine.upper()}_WORKERS"
        monkeypatch.setenv(workers, os.environ[workers].partition(",")[0])
    try:
        up = Running(request.param, variant)
    except RefusedError as error:
        pytest.fail(f"{variant.name} refuses {request.param.stem}: {error}")
    yield up
    up.network.down()
    assert names(state_root()) == []


def test_alike(running: Running) -> None:
    assert running.network.health().running
    assert running.reachable() == running.wanted["reachable"]
    if running.variant.real:
        look_at_hosts(running)
        look_at_switches(running)
        run_commands(running)
    cut_and_mend(running)
    take_ports_and_nodes_away(running)
    assert running.reachable() == running.wanted["reachable"]
    measured = running.variant.real and not running.variant.stands_in
    if running.topology.name in MEASURED and measured:
        measure(running)


def look_at_hosts(running: Running) -> None:
    """Addresses, MACs and MTUs of all interfaces, as the nodes themselves see them."""
    hosts = [running.node(name) for name in running.wanted["hosts"]]
    for result in running.network.access.execute(hosts, ["ip", "-j", "addr"], timeout=20):
        assert (result.code, result.errors) == (0, b"")
        found = {
            port["ifname"]: {
                "addresses": [
                    f"{one['local']}/{one['prefixlen']}"
                    for one in port["addr_info"]
                    if one["scope"] == "global"
                ],
                "mac": port["address"],
                "mtu": port["mtu"],
            }
            for port in json.loads(result.output)
            if port["ifname"] not in {"lo", "admin"}  # Distrinet's nodes have one for SSH
        }
        assert found == running.wanted_ports(result.node), result.node


def look_at_switches(running: Running) -> None:
    """Names of the ports of switches and routers; an engine may keep several switches in one namespace."""
    nodes = [running.node(name) for name in running.wanted["ports"]]
    for result in running.network.access.execute(nodes, ["ip", "-j", "link"], timeout=20):
        assert result.code == 0
        there = {port["ifname"] for port in json.loads(result.output)}
        assert set(running.wanted["ports"][result.node]) <= there, result.node


def run_commands(running: Running) -> None:
    """Exit codes and output come back clean, from the node that was asked."""
    host = running.node(next(iter(running.wanted["hosts"])))
    script = "echo out; echo err >&2; exit 7"
    (result,) = running.network.access.execute([host], ["sh", "-c", script], timeout=20)
    assert (result.code, result.output, result.errors) == (7, b"out\n", b"err\n")
    if not running.network.access.supports(Capability.TASKS):
        return  # nodes on workers have their workers' /etc/hosts
    name = running.topology.names[host]
    (result,) = running.network.access.execute([host], ["getent", "ahostsv4", name], timeout=20)
    assert result.code == 0
    access = running.network.access
    if not isinstance(access, NamespacedAccess):
        return  # its nodes are on other machines, which processes don't cross
    with access.nodes.spawn(host, ["hostname", "--version"]) as process:
        output, errors = process.communicate(timeout=20)
        assert (process.returncode, bool(output or errors)) == (0, True)


def cut_and_mend(running: Running) -> None:
    """A link that fails is gone round where there is a way; when it comes back all is as before."""
    running.network.set_link(running.cut, LinkState(up=False))
    assert running.reachable() == running.wanted["reachable_when_cut"]
    running.network.set_link(running.cut, LinkState())
    assert running.reachable() == running.wanted["reachable"]


def take_ports_and_nodes_away(running: Running) -> None:
    """Ports and hosts that go away in a session are gone, and heard again when they come back."""
    topology = running.topology
    hosts = [node for node in topology.hosts.tolist() if topology.degrees[node] == 1]
    pairs = [(a, b) for a in hosts for b in hosts if a != b and not running.is_deaf(a, b)][:1]
    for a, b in pairs:
        port = topology.incident(b)[0].port
        with running.network.session() as session:
            session.set_port(b, port, up=False)
            assert running.is_deaf(a, b), f"{interface_name(topology, b, port)} is down"
            session.set_port(b, port, up=True)
            assert running.hears(a, b)
            if {"links", "nodes"} <= running.variant.abilities:
                remove_and_restore(running, session, (a, b))
    assert bool(pairs) == (running.wanted["reachable"] > 0 and len(hosts) > 1)


def remove_and_restore(running: Running, session: Session, pair: tuple[int, int]) -> None:
    """Remove the second node's link, then the node."""
    (a, b), topology = pair, running.topology
    session.remove_link(topology.incident(b)[0].link)
    assert running.is_deaf(a, b)
    session.add_link(topology.incident(b)[0].link)
    assert running.hears(a, b)
    session.remove_node(b)
    assert running.is_deaf(a, b)
    assert session.restore() == [topology.names[b]]
    assert running.hears(a, b)


def measure(running: Running) -> None:
    """Links between switches carry their rates, each direction its own, within 5 %."""
    topology = running.topology
    link = running.cut
    hosts = topology.hosts.tolist()
    profile = topology.link_profile_of(link)
    for shape, source, sink in (
        (profile.forward, hosts[0], hosts[-1]),
        (profile.backward, hosts[-1], hosts[0]),
    ):
        assert shape.bandwidth is not None
        wanted = shape.bandwidth * UDP_PAYLOAD
        found = 0.0
        for _ in range(3):  # more is never carried; less may be on a busy machine
            found = max(found, rate(running.network, source, sink) / wanted)
            if found >= 0.95:
                break
        assert 0.95 <= found <= 1.05


def rate(network: Network, source: int, sink: int) -> float:
    """Return the payload's bits per second from one node to the other, by UDP."""
    words = [sys.executable, SCRIPT]
    with network.access.nodes.spawn(sink, [*words, "receive", "udp", "1"]) as receiver:
        address = network.addresses(sink)[0]
        while receiver.poll() is None:  # the first may come before there is a receiver, and ends then
            network.access.execute([source], [*words, "send", "udp", address, "20"], timeout=30)
        output, errors = receiver.communicate(timeout=30)
    assert receiver.returncode == 0, errors
    return float(output)


def test_every_file_has_expectations_and_none_is_trivial() -> None:
    assert sorted(WANTED) == [file.stem for file in FILES]
    assert len(FILES) >= 25
    cut = {name for name, wanted in WANTED.items() if wanted["reachable_when_cut"] < wanted["reachable"]}
    assert cut
    assert cut < set(WANTED)


def test_files_cover_the_kinds_of_nodes() -> None:
    kinds = {
        kind
        for file in FILES
        for kind in build(load_text(file.read_text(encoding="utf-8"), "", file.parent)).kind_counts()
    }
    assert kinds == {kind.word for kind in Kind}
