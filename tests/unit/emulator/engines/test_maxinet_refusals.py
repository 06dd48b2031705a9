"""What MaxiNet can't carry out is refused, naming the node or link; so is what its workers lack."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emulator.engine_options import engine_plan
from emulator.engines.maxinet.engine import MaxinetEngine
from emulator.engines.maxinet.facts import reasons
from emulator.engines.maxinet.preflight import imports
from emulator.engines.maxinet.refusals import refusals
from emulator.engines.remote.refusals import common_refusals
from emulator.plan import Plan
from topologies.build import build
from topologies.profiles import Shape
from topologies.spec.load import load_text

HEAD = f"name: n\nengine: {{name: maxinet, python: {sys.executable}, home: /, workers: [%s]}}\n"
TWO = HEAD % "w1, w2"
NODES = (
    "topology: {nodes: {s1: {kind: switch}, s2: {kind: switch}, h1: {kind: host}, h2: {kind: host}}, links: "
)
SPLIT = TWO + NODES + "[[h1, s1], [h2, s2], [s1, s2]]}\n"
ALL = [
    "ip", "tc", "mnexec", "ethtool", "ping", "sysctl", "brctl", "openvswitch", "gretap", "htb", "netem",
    "tcpdump", "python3", "sshd",
]  # fmt: skip
VALUES = {
    "interpreter": "/venv/python",
    "python": "3.11",
    "Pyro4": "4.82",
    "mininet": "2.3.0",
    "script": "1",
}


def plan_of(text: str, *workers: str) -> Plan:
    """Return a plan; `workers` name the nodes of the second worker."""
    found = load_text(text)
    plan = engine_plan(found, build(found), "maxinet")
    places = [int(name in workers) for name in plan.topology.names]
    object.__setattr__(plan, "placement", np.array(places, dtype=np.int32))
    return plan


def facts(**changed: Any) -> dict[str, Any]:
    worker = {"user": None, "own": False, "works": ALL, "values": VALUES, "lost": []}
    return {
        "host": "10.0.0.1",
        "registered": ["w1", "w2"],
        "workers": {"w1": worker, "w2": {**worker, **changed}},
    }


def test_what_maxinet_can_do_is_not_refused() -> None:
    plan = plan_of(SPLIT, "s2", "h2")
    assert plan.cut.sum() == 1
    assert refusals(plan) == []
    assert reasons(plan, facts()) == []


def test_a_link_between_hosts_is_refused_by_name() -> None:
    plan = plan_of(TWO + NODES + "[[h1, h2], [h1, s1], [s1, s2]]}\n")
    (words,) = common_refusals(plan, MaxinetEngine.program)
    assert "h1 -- h2" in words


def test_a_host_with_switches_on_two_workers_is_refused_by_its_link() -> None:
    plan = plan_of(TWO + NODES + "[[h1, s1], [h1, s2], [h2, s2], [s1, s2]]}\n", "s2", "h2")
    (words,) = refusals(plan)
    assert "link h1 (w1) -- s2 (w2)" in words
    assert "host h1 must be on the worker of all its neighbours" in words
    plan = plan_of(TWO + NODES + "[[h1, s1], [h1, s2], [h2, s2], [s1, s2]]}\n")
    assert refusals(plan) == []


def test_a_router_between_two_workers_is_refused() -> None:
    text = TWO + (
        "topology: {nodes: {r1: {kind: router}, r2: {kind: router}, h1: {kind: host}, h2: {kind: host}}, "
        "links: [[h1, r1], [h2, r2], [r1, r2]]}\n"
    )
    words = refusals(plan_of(text, "r2", "h2"))
    assert len(words) == 2
    assert all("r1 (w1) -- r2 (w2)" in each for each in words)


def test_parallel_links_of_switches_are_refused_between_workers_only() -> None:
    text = TWO + NODES + "[[h1, s1], [h2, s2], [s1, s2], [s1, s2]]}\n"
    (words,) = refusals(plan_of(text, "s2", "h2"))
    assert words.startswith("2 links s1 (w1) -- s2 (w2): ")
    assert refusals(plan_of(text)) == []


def test_a_host_without_a_link_is_refused_when_the_network_is_split() -> None:
    text = NODES + "[[h1, s1], [s1, s2]]}\n"
    assert "1 host (h2) without a link" in refusals(plan_of(TWO + text))[0]
    assert refusals(plan_of(HEAD % "w1" + text)) == []


def test_shapes_that_mininet_ignores_are_refused() -> None:
    assert MaxinetEngine.program.unshapable([Shape(bandwidth=1e9)]) == []  # MaxiNet issue 50: bw=1000
    assert "bandwidth 2 Gbit" in MaxinetEngine.program.unshapable([Shape(bandwidth=2e9)])[0]
    found = MaxinetEngine.program.unshapable([Shape(duplicate=0.1), Shape(reorder=0.1)])
    assert [words.partition(":")[0] for words in found] == ["duplicate", "reorder"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"user": "x:y"}, "worker w2 is in use by x:y"),
        ({"works": [w for w in ALL if w != "mnexec"]}, "worker w2 has no mnexec; `apt install mininet`"),
        ({"works": [w for w in ALL if w != "brctl"]}, r"1 switch \(s2\): worker w2 has no brctl"),
        ({"works": [w for w in ALL if w != "gretap"]}, r"1 tunnel \(s1 .* s2 \(w2\)\): the kernel of .* w2"),
        ({"works": [w for w in ALL if w != "netem"]}, r"h2 .* s2 \(w2\)\): delay.*`modprobe sch_netem`"),
        ({"lost": ["10.0.0.2"]}, "no packet of 1,492 bytes gets from worker w2 to 10.0.0.2"),
        ({"error": "worker w2 is lost"}, "worker w2 is lost"),
        ({"works": [w for w in ALL if w != "tcpdump"]}, "worker w2 has no tcpdump; `apt install tcpdump`"),
        ({"works": [w for w in ALL if w != "sshd"]}, "SSH server doesn't run.*`mkdir -p /run/sshd`"),
        ({"values": VALUES | {"startups": "3"}}, "SSH server takes 3 .*`MaxStartups 10:30:100`"),
        ({"values": VALUES | {"script": "126"}}, "scripts can't be run.*`chmod a.x MaxiNet/Scripts"),
        ({"values": VALUES | {"python": "3.7"}}, "MaxiNetWorker on w2 runs Python 3.7, .* 3.8 or newer"),
        ({"values": VALUES | {"Pyro4": "4.20"}}, "w2 has Pyro4 4.20, .*`/venv/python -m pip install "),
        ({"values": VALUES | {"Pyro4": "5.15"}}, "on w2 has Pyro4 5.15"),
        ({"values": VALUES | {"mininet": "2.2.2"}}, "on w2 has Mininet 2.2.2, .*`apt install mininet`"),
    ],
)  # fmt: skip
def test_what_a_worker_lacks_is_refused_with_its_fix(changed: dict[str, Any], words: str) -> None:
    plan = plan_of(SPLIT + "links:\n  - {match: {between: [h2, s2]}, delay: 5 ms}\n", "s2", "h2")
    (found,) = reasons(plan, facts(**changed))
    assert re.search(words, found), found


def test_what_no_node_needs_is_not_refused() -> None:
    plan = plan_of(SPLIT)  # everything on w1
    assert reasons(plan, facts(works=[w for w in ALL if w not in {"gretap", "brctl", "netem", "htb"}])) == []


def test_a_worker_that_this_network_holds_already_is_free_for_it() -> None:
    assert reasons(plan_of(SPLIT), facts(user="here:n", own=True)) == []


def test_a_worker_that_is_not_registered_is_told_with_those_that_are() -> None:
    found = facts()
    del found["workers"]["w2"]
    found["registered"] = ["w1", "w3"]
    (words,) = reasons(plan_of(SPLIT), found)
    assert "worker w2 isn't registered at 10.0.0.1 (registered: w1, w3)" in words


@pytest.mark.parametrize(
    "values",
    [{}, VALUES | {"startups": "10", "mininet": "2.3.0d6", "Pyro4": "4.83", "script": "0", "python": "3.13"}],
)
def test_versions_that_work_and_unknown_ones_are_not_refused(values: dict[str, str]) -> None:
    assert reasons(plan_of(SPLIT), facts(values=values)) == []


def test_a_python_without_pyro_or_that_is_none_is_told() -> None:
    (words,) = imports(sys.executable, "/")
    assert "can't import Pyro4" in words
    assert f"{sys.executable} -m pip install Pyro4==4.82" in words
    assert "can't run Python code" in imports("/bin/true", "/")[0]
    assert "can't run Python code" in imports("/nowhere/python", "/")[0]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Folder that has all modules that the engine's Python imports, of versions that work."""
    texts = {
        "Pyro4.py": "__version__ = '4.82'",
        "mininet/__init__.py": "",
        "mininet/topo.py": "",
        "mininet/net.py": "VERSION = '2.3.0'",
        "MaxiNet/__init__.py": "",
        "MaxiNet/Frontend/__init__.py": "",
        "MaxiNet/Frontend/maxinet.py": "",
        "setup.py": "setup(name='MaxiNet-3',\n      version='1.0')",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("Pyro4.py", "__version__ = '4.30'", "has Pyro4 4.30.* -m pip install Pyro4==4.82`"),
        ("mininet/net.py", "VERSION = '2.2.1'", "has Mininet 2.2.1, and 2.3.0 works"),
        ("setup.py", "setup(name='MaxiNet', version='1.2')", "holds MaxiNet 1.2, and MaxiNet-3 1.0 works"),
        ("MaxiNet/Frontend/maxinet.py", "print 'x'", "import MaxiNet .SyntaxError.*`home` of the engine"),
    ],
)  # fmt: skip
def test_versions_of_the_engines_python_are_judged(home: Path, file: str, text: str, words: str) -> None:
    (home / file).write_text(text)
    (found,) = imports(sys.executable, str(home))
    assert re.search(words, found), found


def test_a_copy_without_its_setup_is_judged_by_its_imports(home: Path) -> None:
    (home / "setup.py").unlink()
    assert imports(sys.executable, str(home)) == []
