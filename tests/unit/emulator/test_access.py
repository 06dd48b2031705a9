"""Capabilities of access to nodes, without root: what is refused, and what a dry run can do."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from support.topologies import made

from emulator.access import Capability, CaptureRequest, Echo
from emulator.engines.dry_run import DryRunEngine
from emulator.engines.limited_access import LimitedAccess
from emulator.errors import UnableError
from emulator.network import Network
from emulator.plan import make_plan
from emulator.tasks import Task, started

NOTHING = LimitedAccess("hollow")
REFUSED: dict[Capability, list[Callable[[], object]]] = {
    Capability.COMMANDS: [lambda: NOTHING.execute([0], ["true"])],
    Capability.TERMINAL: [lambda: NOTHING.interact(0, ["true"])],
    Capability.PING: [lambda: NOTHING.ping([], 1.0)],
    Capability.CAPTURE: [
        lambda: NOTHING.check_filter(None),
        lambda: NOTHING.capture(0, CaptureRequest("eth0"), io.BytesIO()),
    ],
    Capability.TASKS: [lambda: NOTHING.start(Task("os:getpid"))],
    Capability.CONSOLE: [NOTHING.open_console],
}


@pytest.mark.parametrize("capability", Capability)
def test_what_an_engine_has_not_is_refused_in_words(capability: Capability) -> None:
    assert not NOTHING.supports(capability)
    for use in REFUSED[capability]:
        with pytest.raises(UnableError, match=f"the engine hollow can't {capability}"):
            use()


@pytest.fixture
def network(state_dir: Path) -> Network:
    topology = made({"generator": "tree", "depth": 2, "fanout": 2})
    return DryRunEngine().deploy(make_plan(topology, "dry-run"))


def test_a_dry_run_answers_and_opens_no_sockets(network: Network) -> None:
    access = network.access
    assert access is network.access
    assert [one for one in Capability if access.supports(one)] == [
        Capability.COMMANDS, Capability.TERMINAL, Capability.PING,
    ]  # fmt: skip
    a, b = network.topology.hosts.tolist()[:2]
    assert access.ping([Echo(a, network.addresses(b)[0]), Echo(a, "192.0.2.1")], 1.0) == [0.0, None]
    assert access.execute([a], ["ip", "link"])[0].output == b"dry-run: would run ip link\n"
    with pytest.raises(UnableError, match="the engine dry-run can't open sockets in nodes"):
        access.start(Task("stress.tasks.ports:PortCounters", {"ports": []}))


class Counting:
    """A task that counts."""

    failure = None

    def __init__(self, nodes: object, arguments: dict[str, int]) -> None:
        self.nodes = nodes
        self.count = arguments["from"]

    def ask(self, request: int) -> int:
        self.count += request
        return self.count

    def stop(self) -> int:
        return self.count


def test_a_task_is_started_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emulator.tasks.Counting", Counting, raising=False)
    nodes = object()
    task = started(Task("emulator.tasks:Counting", {"from": 3}), nodes)  # type: ignore[arg-type]
    assert isinstance(task, Counting)
    assert task.nodes is nodes
    assert (task.ask(4), task.stop()) == (7, 7)
