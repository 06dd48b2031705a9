"""Wrong values from scripts: every call answers with an error of ours, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import emulator
from emulator.errors import EmulationError
from emulator.interface.network import Network
from emulator.interface.values import timeout_of

TREE: dict[str, Any] = {
    "name": "t",
    "engine": "dry-run",
    "topology": {"generator": "tree", "depth": 2, "fanout": 2},
}
FLAPS: dict[str, Any] = {
    "name": "flaps",
    "steps": [{"action": "port-flap", "target": "host", "rate": 50, "duration": "100 ms"}],
}


NAMES = ["h9", "", "h1\0", 5, None, ["h1"], b"h1", "h[", "*x"]
SECONDS = ["soon", -1, float("nan"), [1], True]
WRONG: dict[str, tuple[Callable[[Network, Any], object], list[Any]]] = {
    "load": (lambda _, v: emulator.load(v),
        [5, None, [], b"x", {}, {"name": "t"}, "no-such.yaml", "/", "a\0b"]),
    "up": (lambda _, v: emulator.up(v), [5, None, {"name": 1, "topology": {}}, "no-such.yaml"]),
    "up.engine": (lambda _, v: emulator.up(TREE, engine=v), ["mininett", 5, "", ["netns"]]),
    "up.options": (lambda _, v: emulator.up(TREE, options=v),
        [{"workers": 3}, {5: 5}, "workers", 5, ["x"]]),
    "up.tell": (lambda _, v: emulator.up(TREE, tell=v), [5, "print"]),
    "attach": (lambda _, v: emulator.attach(v), ["../t", "no", "", 5, None, ["t"], b"t"]),
    "[]": (lambda net, v: net[v], NAMES),
    "nodes": (lambda net, v: net.nodes(v), NAMES),
    "run.pattern": (lambda net, v: net.run(v, "true"), NAMES),
    "run.command": (lambda net, v: net["h1"].run(v), [5, None, [], "", "a\0b", ["a", "b\0"], b"x", [None]]),
    "run.timeout": (lambda net, v: net["h1"].run("true", timeout=v), SECONDS),
    "all.timeout": (lambda net, v: net.run("h*", "true", timeout=v), SECONDS),
    "popen.command": (lambda net, v: net["h1"].popen(v), [5, None, [], "", "a\0b", ["a", "b\0"], b"x"]),
    "link.a": (lambda net, v: net.link(v, "s1"), NAMES),
    "link.b": (lambda net, v: net.link("s1", v), NAMES),
    "link.index": (lambda net, v: net.link("s1", "s2", v), [1, -1, "0", 0.5, [0], True]),
    "link.set": (lambda net, v: net.link("s1", "s2").set(bandwidth=v),
        ["fast", -1, [], True, float("nan"), b"1"]),
    "link.queue": (lambda net, v: net.link("s1", "s2").set(queue=v), ["long", 0, 1.5, [], True]),
    "link.set.direction": (lambda net, v: net.link("s1", "s2").set(direction=v), ["up", 5, None, ["both"]]),
    "link.reset.direction": (lambda net, v: net.link("s1", "s2").reset(direction=v),
        ["up", 5, None, ["both"]]),
    "check.sample": (lambda net, v: net.check(v), [0, -1, "5", 1.5, [5], True]),
    "check.timeout": (lambda net, v: net.check(timeout=v), [0, *SECONDS, None]),
    "migrate.port": (lambda net, v: net.migrate(v, "h1"), NAMES),
    "migrate.host": (lambda net, v: net.migrate("h1", v), [*NAMES, "h1"]),
    "stress": (lambda net, v: net.stress(v), [5, None, [], {}, "no-such.yaml", {"name": "x", "steps": 5}]),
    "stress.seed": (lambda net, v: net.stress(FLAPS, seed=v), [-1, 2**63, "7", 1.5, [7], True]),
    "stress.duration": (lambda net, v: net.stress(FLAPS, duration=v),
        ["soon", 0, "0 s", -1, [5], True, "5 Mbit"]),
    "stress.report": (lambda net, v: net.stress(FLAPS, report=v),
        [__file__, 5, "/proc/none", "a\0b", b"x"]),
}  # fmt: skip


@pytest.fixture
def network(state_dir: Path) -> Iterator[Network]:
    with emulator.up(TREE) as running:
        yield running


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_an_error_of_ours(network: Network, name: str) -> None:
    call, values = WRONG[name]
    before = network.link("s1", "s2").forward
    taken = []
    for value in values:
        try:
            call(network, value)
        except EmulationError as error:
            taken += [f"{value!r} is not explained"] if len(str(error)) < 10 else []
        except Exception as error:  # noqa: BLE001 -- any other is what this test is about
            taken.append(f"{value!r}: {error!r}")
        else:
            taken.append(f"{value!r} is taken")
    assert not taken
    assert network.link("s1", "s2").forward == before
    assert network.link("s1", "s2").is_up


@pytest.mark.parametrize("seconds", [0.2, "200 ms", 1, "1 min"])
def test_times_are_numbers_or_texts(seconds: float | str) -> None:
    assert timeout_of(seconds) == {"200 ms": 0.2, "1 min": 60.0}.get(str(seconds), seconds)
