"""What Mininet's sessions ask of the driver when links change under their hands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from support.topologies import make

from emulator.engines.driven.client import Driver
from emulator.engines.mininet.session import MininetSession
from emulator.link_states import links_up
from emulator.linux.namespaces.store import NamespaceStore
from emulator.network import LinkState
from emulator.ovs.switches import Switches
from emulator.plan import Plan, make_plan

RING = make("ring", k=4, hosts_per_switch=1)


class Store:
    @contextmanager
    def entered(self) -> Iterator[None]:
        yield

    def nodes(self) -> list[str]:
        return list(RING.names)


class Fake:
    """A driver that notes what it is asked; while it makes links, somebody mends the cut one."""

    def __init__(self, states: dict[int, LinkState]) -> None:
        self.states = states
        self.asked: list[list[str]] = []

    def ask(self, *steps: tuple[str, dict[str, Any]], **_: object) -> list[None]:
        self.asked.append([name for name, _ in steps])
        if "links" in self.asked[-1]:
            self.states.clear()
        return []


def session(driver: Fake) -> MininetSession:
    plans = [make_plan(RING, "mininet")]

    def plan_now() -> Plan:
        plans[0] = plans[0].with_links(links_up(RING, driver.states))
        return plans[0]

    return MininetSession(
        plan_now, lambda: driver.states, cast("Driver", driver), cast("NamespaceStore", Store()),
        cast("Switches", None),
    )  # fmt: skip


def test_a_link_is_made_and_joined_by_one_request_that_outlives_who_asked() -> None:
    driver = Fake({})
    session(driver).add_link(0)
    (asked,) = driver.asked
    assert asked[0] == "links"
    assert "move" in asked


def test_what_was_mended_while_it_was_made_is_carried_out_again() -> None:
    driver = Fake({0: LinkState(up=False)})
    session(driver).add_link(0)
    made, mended = driver.asked
    assert "links" in made
    assert mended.count("ports") == 2
