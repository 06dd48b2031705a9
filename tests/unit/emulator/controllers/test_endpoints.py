"""Every controller has a port of its own on the loopback of the switches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emulator.controllers.endpoints import endpoints, targets
from topologies.openflow import Controller

LEARNING = Controller("learning")
REMOTE = Controller("remote", "10.0.0.5", 6653)


def test_one_keeps_the_port_that_it_names() -> None:
    assert endpoints({"c0": LEARNING}) == {"c0": 6653}
    assert endpoints({"c0": Controller("remote", "a", 7000)}) == {"c0": 7000}


def test_a_command_goes_before_remotes_and_these_before_a_learning_one() -> None:
    command = Controller("command", command=("app",))
    assert endpoints({"c0": LEARNING, "c1": REMOTE, "c2": command}) == {"c0": 6655, "c1": 6654, "c2": 6653}


def test_after_the_last_port_comes_the_first_free_one() -> None:
    given = {"c0": Controller("remote", "a", 65535), "c1": Controller("remote", "b", 65535)}
    assert endpoints(given) == {"c0": 65535, "c1": 6653}


def test_switches_are_told_an_address_for_each_controller() -> None:
    controllers = {"c0": LEARNING, "c1": REMOTE}
    assert targets(controllers, (REMOTE, LEARNING)) == ["tcp:127.0.0.1:6653", "tcp:127.0.0.1:6654"]
    assert targets(controllers, ()) == []


KINDS = st.sampled_from(["learning", "remote", "command"])


@given(st.lists(st.tuples(KINDS, st.integers(6650, 6656)), max_size=12))
def test_ports_differ_and_are_the_same_every_time(found: list[tuple[str, int]]) -> None:
    controllers = {f"c{n}": Controller(kind, str(n), port) for n, (kind, port) in enumerate(found)}
    ports = endpoints(controllers)
    assert list(ports) == list(controllers)
    assert len(set(ports.values())) == len(ports)
    assert ports == endpoints(controllers)
