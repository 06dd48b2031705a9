"""A driver of a few lines, started by the shared launch and asked by the shared client."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest

from emulator.engines.driven.client import Driver, Step
from emulator.engines.driven.launch import DriverPaths, Recipe, start
from emulator.engines.driven.session import DrivenSession
from emulator.errors import BrokenError, UnableError, UsageError
from emulator.plan import Plan, make_plan
from topologies.build import build
from topologies.identifiers import interface_name
from topologies.spec.load import load_text

TOY = """
import os, sys, time
from serving.server import Program, StepError, serve
from .graph import Graph

class Toy(Program):
    title = "toy"
    untimed = frozenset({"wait"})
    beside = frozenset({"look", "snap"})

    def __init__(self):
        super().__init__(Graph())

    def busy(self):
        return "the toy is played with" if os.path.exists(os.environ["TOY_BUSY"]) else ""

    def complaints(self):
        said, self.steps.said = self.steps.said, []
        return said

def main(descriptor):
    serve(descriptor, Toy)
"""
GRAPH = """
import sys, time
from serving.server import StepError

class Graph:
    def __init__(self):
        self.names, self.joined, self.said, self.down = [], [], [], set()

    def nodes(self, progress, names):
        for done, name in enumerate(names, 1):
            self.names.append(name)
            progress("nodes", done, len(names))
        return len(self.names)

    def links(self, progress, links):
        for a, b in links:
            if not {a, b} <= set(self.names):
                raise StepError(f"no such end: {a} -- {b}")
            self.joined.append([a, b])

    def remove(self, progress, name):
        self.names.remove(name)

    def unlink(self, progress, names):
        ends = [name.partition("-")[0] for name in names]
        self.joined = [link for link in self.joined if link[0] not in ends]

    def port(self, progress, name, up):
        (self.down.discard if up else self.down.add)(name)

    def info(self, progress):
        ours = {"emulator", "client", "launch"} & {name.partition(".")[0] for name in sys.modules}
        return {"nodes": self.names, "links": self.joined, "ours": sorted(ours), "down": sorted(self.down)}

    def wait(self, progress, seconds):
        time.sleep(seconds)

    def stick(self, progress):
        time.sleep(60)

    def look(self, progress):
        progress("looks", 1, 1)
        return len(self.names)

    def snap(self, progress):
        raise StepError("it snaps")

    def complain(self, progress):
        self.said.append("it creaks")

    def break_(self, progress):
        raise RuntimeError("in pieces")
"""


def document(plan: Plan) -> list[tuple[str, dict[str, object]]]:
    """Return the steps that make `plan`: the whole document of a toy engine."""
    names = plan.topology.names
    links = [[names[a], names[b]] for a, b in plan.topology.ends.tolist()]
    return [("nodes", {"names": list(names)}), ("links", {"links": links})]


class ToySession(DrivenSession):
    """Quick changes to a toy: nothing is done on this machine."""

    def _steps_after_up(self, node: int, down: AbstractSet[int]) -> list[Step]:
        del node, down
        return []

    def _create(self, nodes: list[int], links: list[int]) -> None:
        self._follow()
        names = self._topology.names
        pairs = [[names[a], names[b]] for a, b in self._topology.ends[links].tolist()]
        self._driver.ask(("nodes", {"names": [names[node] for node in nodes]}), ("links", {"links": pairs}))

    def _delete_node(self, node: int, links: list[int]) -> None:
        self._driver.ask(self._unlink(links), ("remove", {"name": self._topology.names[node]}))

    def set_controller(self, name: str, *, up: bool) -> None:
        self._removed.set_controller(name, up=up)


@pytest.fixture
def busy(tmp_path: Path) -> Path:
    return tmp_path / "busy"


@pytest.fixture
def toy(tmp_path: Path, busy: Path) -> Iterator[Driver]:
    folder = tmp_path / "toy_driver"
    folder.mkdir()
    for name, text in {"__init__": "", "main": TOY, "graph": GRAPH}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    paths = DriverPaths(tmp_path / "toy")
    running = start(Recipe(sys.executable, folder, {"TOY_BUSY": str(busy)}), paths)
    try:
        yield Driver("n", "toy", paths, running)
    finally:
        os.kill(running.pid, signal.SIGKILL)
        os.waitpid(running.pid, 0)


def test_a_plan_goes_to_a_driver_and_nothing_of_ours_is_imported_there(toy: Driver) -> None:
    plan = make_plan(build(load_text("name: n\ntopology: {generator: single, hosts: 2}\n")), "toy")
    told = []
    made, _ = toy.ask(*document(plan), progress=lambda *words: told.append(words))
    assert made == 3
    assert told == [("nodes", 1, 3), ("nodes", 2, 3), ("nodes", 3, 3)]
    (info,) = toy.ask(("info", {}))
    assert info["nodes"] == list(plan.topology.names)
    assert len(info["links"]) == plan.topology.link_count
    assert info["ours"] == []
    assert toy.alive


def test_a_session_takes_and_gives_back_by_the_drivers_steps(toy: Driver) -> None:
    plan = make_plan(build(load_text("name: n\ntopology: {generator: single, hosts: 2}\n")), "toy")
    toy.ask(*document(plan))
    names = plan.topology.names
    h1, h2 = names.find("h1"), names.find("h2")
    assert h1 is not None
    assert h2 is not None
    (link,) = (end.link for end in plan.topology.incident(h2))

    def found() -> tuple[list[str], int, list[str]]:
        (info,) = toy.ask(("info", {}))
        return sorted(info["nodes"]), len(info["links"]), info["down"]

    with ToySession(lambda: plan, toy) as session:
        session.remove_node(h1)
        session.remove_link(link)
        session.set_port(h2, 0, up=False)
        assert found() == (["h2", "s1"], 0, ["h2-eth0"])
        with pytest.raises(UsageError, match="h1 is removed already"):
            session.remove_node(h1)
    assert found() == (["h1", "h2", "s1"], 2, [])


def test_a_port_of_a_link_that_was_cut_stays_down(toy: Driver) -> None:
    plan = make_plan(build(load_text("name: n\ntopology: {generator: single, hosts: 2}\n")), "toy")
    up = plan.links_up.copy()
    up[0] = False
    node, port = int(plan.topology.ends[0, 0]), int(plan.topology.ports[0, 0])
    toy.ask(("port", {"name": interface_name(plan.topology, node, port), "up": False}))
    session = ToySession(lambda: plan.with_links(up), toy)
    session.set_port(node, port, up=True)
    (info,) = toy.ask(("info", {}))
    assert info["down"] == [interface_name(plan.topology, node, port)]


def test_what_fails_there_is_said_here_and_the_next_request_is_done(toy: Driver) -> None:
    for step, words in {
        ("links", "no such end: a -- b"),
        ("complain", "toy: it creaks"),
        ("break_", "toy: break_: RuntimeError: in pieces"),
        ("nothing", "toy: nothing: AttributeError"),
    }:
        with pytest.raises(BrokenError, match=words):
            toy.ask((step, {"links": [["a", "b"]]} if step == "links" else {}))
    assert toy.ask(("nodes", {"names": ["a"]})) == [1]


def test_a_step_has_its_time_and_one_for_people_has_all_they_like(toy: Driver) -> None:
    begun = time.monotonic()
    with pytest.raises(BrokenError, match=r"stick: toy didn't finish within 0\.2 s"):
        toy.ask(("stick", {}), seconds=0.2)
    assert time.monotonic() - begun < 10
    assert toy.ask(("wait", {"seconds": 0.4}), seconds=0.2) == [None]


def test_a_step_beside_others_neither_waits_for_them_nor_takes_their_complaints(toy: Driver) -> None:
    toy.ask(("nodes", {"names": ["a"]}))
    slow = threading.Thread(target=toy.ask, args=(("wait", {"seconds": 2.0}),))
    slow.start()
    time.sleep(0.2)  # the main thread has the request by now, or will have it before it is asked again
    begun = time.monotonic()
    told = []
    assert toy.ask(("look", {}), ("look", {}), progress=lambda *words: told.append(words)) == [1, 1]
    with pytest.raises(BrokenError, match="toy: it snaps"):
        toy.ask(("snap", {}))
    assert time.monotonic() - begun < 1
    assert told == [("looks", 1, 1)] * 2
    slow.join()
    assert toy.ask(("look", {}), ("nodes", {"names": ["b"]})) == [1, 2]  # mixed: in order, one at a time


def test_while_it_is_busy_it_says_so_at_once(toy: Driver, busy: Path) -> None:
    toy.ask(("info", {}))
    busy.touch()
    with pytest.raises(BrokenError, match="the toy is played with"):
        toy.ask(("info", {}))
    busy.unlink()
    toy.ask(("info", {}))


def test_a_driver_that_was_killed_is_said_with_its_log_and_the_way_out(toy: Driver) -> None:
    toy.ask(("info", {}))
    os.kill(toy._process.pid, signal.SIGKILL)
    while toy.alive:
        time.sleep(0.01)
    with pytest.raises(BrokenError, match=r"the toy of `n` has ended .*driver\.log.*`emulator down n`"):
        toy.ask(("info", {}))


def test_a_python_that_is_not_there_can_not_be_run(tmp_path: Path) -> None:
    with pytest.raises(UnableError, match="can't run /nowhere/python3: No such file"):
        start(Recipe("/nowhere/python3", tmp_path), DriverPaths(tmp_path / "d"))
