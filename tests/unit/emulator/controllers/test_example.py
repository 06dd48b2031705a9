"""The example application for os-ken: whatever comes in whatever order, it must raise nothing."""

from __future__ import annotations

from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(find_spec("os_ken") is None, reason="pip install os-ken")

EXAMPLE = Path(__file__).parents[4] / "topologies" / "examples" / "controllers" / "learning_switch.py"
H1, H2 = bytes(range(1, 7)), bytes(range(2, 8))


class Datapath:
    """A switch that keeps what it was sent, or one that goes while it is sent to."""

    def __init__(self, number: int, *, goes: bool = False) -> None:
        self.id = number
        self.sent: list[Any] = []
        self.goes = goes

    def send_msg(self, message: Any) -> None:
        if self.goes:
            raise AttributeError("'NoneType' object has no attribute 'put'")
        self.sent.append(message)

    def outs(self) -> list[int]:
        """Return the ports by which frames were sent."""
        return [sent.actions[0].port for sent in self.sent if type(sent).__name__ == "OFPPacketOut"]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = spec_from_file_location("learning_switch", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.time, "monotonic", iter(range(100, 100_000, 10)).__next__)  # all has settled
    return module


def port(switch: Datapath, number: int) -> SimpleNamespace:
    return SimpleNamespace(dpid=switch.id, port_no=number)


def comes(app: Any, switch: Datapath, *numbers: int) -> None:
    ports = [port(switch, number) for number in numbers]
    app.switch_comes(SimpleNamespace(switch=SimpleNamespace(dp=switch, ports=ports)))


def frame(app: Any, switch: Datapath, number: int, source: bytes, target: bytes) -> None:
    message = SimpleNamespace(datapath=switch, match={"in_port": number}, data=target + source + b"\x08\x00")
    app.frame_comes(SimpleNamespace(msg=message))


def linked(app: Any, module: ModuleType, a: SimpleNamespace, b: SimpleNamespace) -> None:
    for one, other in ((a, b), (b, a)):
        app.link_changes(module.event.EventLinkAdd(SimpleNamespace(src=one, dst=other)))


def test_frames_before_their_switch_are_left_alone(module: ModuleType) -> None:
    app, early, known = module.LearningSwitch(), Datapath(1), Datapath(2)
    frame(app, early, 1, H1, H2)
    comes(app, known, 1, 2)
    frame(app, known, 1, H2, H1)
    frame(app, early, 1, H1, H2)  # H2 is known, and no way leads there yet
    assert early.sent == []
    assert known.outs() == [2]


def test_ports_that_come_after_their_switch_are_used(module: ModuleType) -> None:
    """A switch that is made again has its ports a moment later."""
    app, one, two = module.LearningSwitch(), Datapath(1), Datapath(2)
    comes(app, one)
    comes(app, two)
    for switch, number in ((one, 1), (one, 2), (two, 1), (two, 2), (two, 3)):
        app.port_changes(module.event.EventPortAdd(port(switch, number)))
    linked(app, module, port(one, 2), port(two, 2))
    frame(app, two, 1, H2, H1)
    frame(app, one, 1, H1, H2)
    assert one.outs() == [1, 2]  # flooded to its host's port, then towards H2
    assert two.outs() == [3]
    app.port_changes(module.event.EventPortDelete(port(two, 3)))
    frame(app, two, 1, H2, H1)
    assert two.outs() == [3]


def test_a_switch_that_goes_while_it_is_sent_to(module: ModuleType) -> None:
    app, stays = module.LearningSwitch(), Datapath(2)
    comes(app, Datapath(1, goes=True), 1)
    comes(app, stays, 1, 2)
    frame(app, stays, 1, H1, H2)
    assert stays.outs() == [2]
