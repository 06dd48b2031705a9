"""What is refused before anything is made."""

from __future__ import annotations

import socket

import pytest

from emulator.ovs import planned_bridges, refusals
from emulator.ovs.refusals import ovs_refusals, own_switch_refusals
from emulator.plan import Plan, make_plan
from topologies.build import build
from topologies.spec.load import load_text


def has_kernel_datapath(monkeypatch: pytest.MonkeyPatch, *, here: bool) -> None:
    for module in (refusals, planned_bridges):
        monkeypatch.setattr(module, "has_openvswitch", lambda: here)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "missing_programs", list)
    has_kernel_datapath(monkeypatch, here=False)
    monkeypatch.setattr(refusals, "has_tun", lambda: True)


def plan_of(text: str) -> Plan:
    return make_plan(build(load_text("name: t\n" + text)), "netns")


SINGLE = "topology: {generator: single, hosts: 2}"


@pytest.mark.usefixtures("installed")
def test_what_can_be_is_not_refused() -> None:
    assert ovs_refusals(plan_of(SINGLE)) == []
    assert ovs_refusals(plan_of("switch: ovs\n" + SINGLE)) == []
    assert ovs_refusals(plan_of("switch: ovs\nforwarding: routed\n" + SINGLE)) == []


def test_missing_programs_are_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "missing_programs", lambda: ["ovs-vswitchd"])
    [reason] = ovs_refusals(plan_of("switch: ovs\n" + SINGLE))
    assert "ovs-vswitchd" in reason
    assert "apt install openvswitch-switch" in reason
    assert ovs_refusals(plan_of(SINGLE)) == []


@pytest.mark.usefixtures("installed")
def test_a_datapath_of_the_kernel_needs_the_kernel() -> None:
    [reason] = ovs_refusals(plan_of("switch: ovs\nopenflow: {datapath: kernel}\n" + SINGLE))
    assert reason.startswith("s1: ")
    assert "datapath: userspace" in reason


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("kernel", "datapath", "refused"),
    [(False, "auto", True), (True, "auto", False), (False, "userspace", True), (True, "userspace", True)],
)
def test_switches_in_userspace_need_the_device_for_tunnels(
    monkeypatch: pytest.MonkeyPatch, kernel: bool, datapath: str, refused: bool
) -> None:
    has_kernel_datapath(monkeypatch, here=kernel)
    monkeypatch.setattr(refusals, "has_tun", lambda: False)
    found = ovs_refusals(plan_of(f"switch: ovs\nopenflow: {{datapath: {datapath}}}\n" + SINGLE))
    assert len(found) == refused
    assert all("s1: switches made as ovs in userspace need /dev/net/tun" in reason for reason in found)
    assert all("/dev/net/tun c 10 200" in reason or "modprobe tun" in reason for reason in found)


@pytest.mark.usefixtures("installed")
def test_the_reference_switch_is_of_another_engine() -> None:
    [reason] = own_switch_refusals(plan_of("switch: user\n" + SINGLE))
    assert "engine: mininet" in reason
    assert ovs_refusals(plan_of("switch: user\n" + SINGLE)) == []


@pytest.mark.usefixtures("installed")
def test_switches_in_one_namespace_have_no_addresses() -> None:
    text = "switch: ovs\ntopology: {nodes: {s1: {kind: switch, ip: 10.0.0.9}, h1: {}}, links: [[s1, h1]]}"
    [reason] = ovs_refusals(plan_of(text))
    assert reason.startswith("s1: ")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_AGAIN])
def test_a_controllers_name_that_nobody_knows(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(name: str, *_: object, **__: object) -> None:
        if name == "controller.example":
            raise socket.gaierror(number, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    remote = "openflow: {controller: {remote: [controller.example, 10.0.0.5]}}\n"
    found = ovs_refusals(plan_of("switch: ovs\n" + remote + SINGLE))
    if number == socket.EAI_AGAIN:  # a name server that is away proves nothing
        assert found == []
    else:
        [reason] = found
        assert reason.startswith("the controller at controller.example:6653: the name can't be resolved (")
        assert "/etc/hosts" in reason
    assert ovs_refusals(plan_of(remote + SINGLE)) == []
