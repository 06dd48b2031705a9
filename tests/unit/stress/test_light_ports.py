"""Steps and probes on a network of light ports: what they select, and what they refuse."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from stress.actions.base import Action
from stress.actions.plan_context import PlanContext, PlannedOperations
from stress.actions.registry import action_named
from stress.keys import TargetKeys
from stress.probes.sockets import Opener, bound
from stress.probes.specs import resolve
from stress.scenario.model import Probe
from stress.targets import target_name
from topologies.build import build
from topologies.errors import ParameterError
from topologies.spec.load import load_text

TEXT = """\
name: v
forwarding: routed
topology: {generator: vpc, vpcs: 2, ports: 20, hosts: 4}
"""
TOPOLOGY = build(load_text(TEXT))
FULL_HOSTS = {"h1", "h2", "h3", "h4"}


class Placed:
    topology = TOPOLOGY

    def addresses(self, node: int) -> list[str]:
        return [f"10.0.0.{node + 1}"]


def action(name: str, **keys: Any) -> Action:
    return action_named(name)(action=name, **{"rate": 10} | keys)


def plan(step: Action, seconds: float = 4.0) -> PlannedOperations:
    return step.plan(PlanContext(TOPOLOGY, step.action, ("steps", 0), seconds, 1))


def names(step: Action) -> set[str]:
    return {target_name(TOPOLOGY, target) for target in plan(step).targets}


def vpc(name: str) -> str:
    return name.partition("s")[0] if name.startswith("v") else ""


def test_a_light_port_is_selected_once_and_hosts_have_no_interface_for_it() -> None:
    flapped = names(action("port-flap", target={"kind": "host"}))
    assert len(flapped) == 44
    assert {f"{name}-eth0" for name in FULL_HOSTS} <= flapped
    assert names(action("port-flap", target={"name": "h1"})) == {"h1-eth0"}


@pytest.mark.parametrize("name", ["mac-move", "arp-storm"])
def test_light_ports_send_no_frames(name: str) -> None:
    assert names(action(name)) == {f"{host}-eth0" for host in FULL_HOSTS}
    with pytest.raises(ParameterError, match="light ports only"):
        plan(action(name, target={"name": "v*"}))


@pytest.mark.parametrize("count", [3, 50, 10_000])
def test_probes_stay_within_a_vpc(count: int) -> None:
    (spec,) = resolve([Probe(probe="ping", pairs=count)], Placed(), 1)
    pairs = [(TOPOLOGY.names[pair.source], TOPOLOGY.names[pair.target]) for pair in spec.pairs]
    assert len(set(pairs)) == len(pairs) == min(count, 2 * 20 * 19 + 4 * 3)
    assert all(vpc(a) == vpc(b) and a != b for a, b in pairs)
    if count > 3:
        assert {vpc(a) for a, _ in pairs} == {"v1", "v2", ""}


def test_probes_between_vpcs_are_refused() -> None:
    keys = {"source": TargetKeys(name="v1*"), "target": TargetKeys(name="v2*")}
    with pytest.raises(ParameterError, match="other VPCs"):
        resolve([Probe(probe="ping", **keys)], Placed(), 1)


def test_flows_stay_within_a_vpc() -> None:
    targets = plan(action_named("traffic")(action="traffic", flows=100)).targets
    ends = [target_name(TOPOLOGY, target).split(" -> ") for target in targets]
    assert all(vpc(a) == vpc(b) and a != b for a, b in ends)
    assert {vpc(a) for a, _ in ends} == {"v1", "v2", ""}
    with pytest.raises(ParameterError, match="other VPCs"):
        plan(
            action_named("traffic")(
                action="traffic", source=TargetKeys(name="v1*"), target=TargetKeys(name="v2*")
            )
        )


class Ports:
    """Light ports of which node 5 moves."""

    def __init__(self) -> None:
        self.places = {5: 7}
        self.opened: list[int] = []
        self.closed = False

    def where(self, node: int) -> int:
        return self.places[node]

    def open_socket(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
        self.opened.append(node)
        return socket.socket(family, kind, protocol)

    def close(self) -> None:
        self.closed = True


class Nodes:
    def __init__(self, ports: Ports | None) -> None:
        self.ports = ports
        self.opened: list[int] = []

    def light_ports(self) -> Ports | None:
        return self.ports

    def identity(self, node: int) -> str:
        return "127.0.0.5" if node == 5 else ""

    def open_socket(self, node: int, family: int, kind: int, protocol: int = 0) -> socket.socket:
        self.opened.append(node)
        return socket.socket(family, kind, protocol)


def test_sockets_of_light_ports_are_opened_where_they_are() -> None:
    ports = Ports()
    nodes = Nodes(ports)
    opener = Opener(nodes, 9)  # type: ignore[arg-type]
    for node in (5, 6):
        sock = opener.open(node, socket.AF_INET, socket.SOCK_DGRAM)
        assert sock is not None
        with sock:
            assert bound(sock, opener.identity(node))
            assert sock.getsockname()[0] == ("127.0.0.5" if node == 5 else "0.0.0.0")  # noqa: S104
    assert (ports.opened, nodes.opened) == ([5], [6])
    assert (opener.where(5), opener.where(6)) == (7, 0)
    opener.close()
    assert ports.closed


def test_without_light_ports_all_sockets_are_those_of_nodes() -> None:
    nodes = Nodes(None)
    opener = Opener(nodes, 9)  # type: ignore[arg-type]
    sock = opener.open(5, socket.AF_INET, socket.SOCK_STREAM)
    assert sock is not None
    sock.close()
    assert (nodes.opened, opener.where(5)) == ([5], 0)
    opener.close()


def test_a_socket_that_cant_be_bound_is_closed() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        assert bound(sock, "")
        assert not bound(sock, "192.0.2.1", 1)
        assert sock.fileno() == -1
