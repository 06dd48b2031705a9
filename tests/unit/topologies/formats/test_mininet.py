import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import topologies

from topologies.build import build, open_topology
from topologies.errors import InputError
from topologies.formats import mininet_process
from topologies.spec.load import load_text
from topologies.topology import Explicit, Kind, Topology

EXAMPLES = Path(__file__).parents[4] / "topologies" / "examples"
PLAIN = """
from mininet.topo import Topo
class Mine(Topo):
    def build(self, n=2):
        s = self.addSwitch("s1")
        for i in range(n):
            self.addLink(self.addHost("h%d" % (i + 1)), s)
"""


def loaded(folder: Path, code: str, options: str = "") -> Topology:
    (folder / "t.py").write_text(code, encoding="utf-8")
    return build(load_text(f"name: m\ntopology: {{mininet: t.py{options}}}\n", folder=folder))


def refused(folder: Path, code: str, options: str = "") -> str:
    with pytest.raises(InputError) as caught:
        loaded(folder, code, options)
    words = str(caught.value)
    assert words.startswith("<text>:2:")
    assert "\n" not in words
    return words


def test_a_subclass_with_arguments(tmp_path: Path) -> None:
    assert loaded(tmp_path, PLAIN).kind_counts() == {"host": 2, "switch": 1}
    assert loaded(tmp_path, PLAIN, ", args: [5]").kind_counts() == {"host": 5, "switch": 1}
    assert loaded(tmp_path, PLAIN, ", topo: Mine, kwargs: {n: 3}").kind_counts() == {"host": 3, "switch": 1}


def test_the_topos_dictionary_with_functions_and_instances(tmp_path: Path) -> None:
    code = PLAIN + "topos = {'four': lambda: Mine(4), 'done': Mine(1), 'cls': Mine}\n"
    assert loaded(tmp_path, code, ", topo: four").node_count == 5
    assert loaded(tmp_path, code, ", topo: done").node_count == 2
    assert loaded(tmp_path, code, ", topo: cls, args: [7]").node_count == 8
    assert "one of: four, done, cls" in refused(tmp_path, code)
    assert "has no topology `five`; use one of: four, done, cls" in refused(tmp_path, code, ", topo: five")


def test_options_of_hosts_and_links_are_taken_over(tmp_path: Path) -> None:
    code = """
from functools import partial
from mininet.link import TCLink
from mininet.node import CPULimitedHost, Node, RemoteController
from mininet.topo import Topo
from mininet.net import Mininet
from mininet.cli import CLI
from mininet.log import setLogLevel, info
from mininet.util import dumpNodeConnections, irange
from mininet.something.new import Whatever
setLogLevel("info")
class LinuxRouter(Node):
    def config(self, **params): super().config(**params)
class T(Topo):
    def __init__(self, **opts):
        Topo.__init__(self, **opts)
        h1 = self.addHost("h1", ip="10.0.0.5/24", mac="00:00:00:00:00:05", cls=CPULimitedHost, cpu=.5)
        h2 = self.addHost("h2", ip="20.0.0.6", inNamespace=False)
        r = self.addNode("r0", cls=LinuxRouter, ip="192.168.1.1/24")
        s1 = self.addSwitch("s1", dpid="ff", cls=partial(Whatever, protocols="OpenFlow13"))
        self.addLink(h1, s1, cls=TCLink, bw=10, delay="5ms", jitter="250us", loss=1, max_queue_size=99)
        s2, s3, s4 = self.addSwitch("s2"), self.addSwitch("s3"), self.addSwitch("s4")
        self.addLink(s2, h2, port1=7, params1={"bw": 20}, params2={"bw": 30, "delay": 1000})
        self.addLink(r, s3, intfName1="r0-eth1", params1={"ip": "192.168.1.1/24"})
        self.addLink(r, s4, params1={"ip": "10.9.0.1/24"}, addr1="02:00:00:00:00:11")
topos = {"t": T}
controllers = {"c": partial(RemoteController, ip="127.0.0.1")}
if __name__ == "__main__":
    CLI(Mininet(T()))
"""
    made = loaded(tmp_path, code)
    assert [(name, Kind(kind)) for name, kind in zip(made.names, made.kinds.tolist(), strict=True)] == [
        ("h1", Kind.HOST), ("h2", Kind.HOST), ("r0", Kind.ROUTER), ("s1", Kind.SWITCH),
        ("s2", Kind.SWITCH), ("s3", Kind.SWITCH), ("s4", Kind.SWITCH),
    ]  # fmt: skip
    first = made.link_profile_of(0)
    assert first.forward == first.backward
    assert (first.forward.bandwidth, first.forward.delay, first.forward.jitter) == (10e6, 0.005, 250e-6)
    assert (first.forward.loss, first.forward.queue) == (0.01, 99)
    second = made.link_profile_of(1)
    assert (second.forward.bandwidth, second.backward.bandwidth) == (20e6, 30e6)
    assert (second.forward.delay, second.backward.delay) == (None, 0.001)
    assert made.ports.tolist() == [[0, 1], [7, 0], [0, 1], [1, 1]]
    assert made.explicit[0] == Explicit(((0, "10.0.0.5/24"),), ((0, "00:00:00:00:00:05"),))
    assert made.explicit[1] == Explicit(((0, "20.0.0.6/8"),), ())
    assert made.explicit[2] == Explicit(
        ((0, "192.168.1.1/24"), (1, "10.9.0.1/24")), ((1, "02:00:00:00:00:11"),)
    )


@pytest.mark.parametrize(
    ("topo", "args", "counts"),
    [
        ("SingleSwitchTopo", "[4]", (4, 1, 4)),
        ("SingleSwitchReversedTopo", "[4]", (4, 1, 4)),
        ("MinimalTopo", "[]", (2, 1, 2)),
        ("LinearTopo", "[3, 2]", (6, 3, 8)),
        ("TreeTopo", "[2, 3]", (9, 4, 12)),
        ("TorusTopo", "[3, 4, 2]", (24, 12, 48)),
    ],
)
def test_mininets_own_topologies(tmp_path: Path, topo: str, args: str, counts: tuple[int, int, int]) -> None:
    module = "topolib" if topo in ("TreeTopo", "TorusTopo") else "topo"
    code = f"from mininet.{module} import {topo}\ntopos = {{'x': {topo}}}\n"
    made = loaded(tmp_path, code, f", args: {args}")
    kinds = made.kind_counts()
    assert (kinds["host"], kinds["switch"], made.link_count) == counts


def test_the_interface_of_topo_answers(tmp_path: Path) -> None:
    code = (
        PLAIN
        + """
t = Mine(11)
assert t.hosts()[:2] == ["h1", "h2"] and t.hosts()[-1] == "h11"
assert t.switches() == ["s1"] and t.isSwitch("s1") and not t.isSwitch("h1")
assert t.nodes(sort=False)[0] == "s1"
assert t.links(sort=True)[1] == ("h2", "s1")
assert t.links(withInfo=True)[0][2]["port2"] == 1
assert t.port("h3", "s1") == (0, 3)
assert t.linkInfo("s1", "h2")["node1"] == "h2"
t.setlinkInfo("h2", "s1", {"port1": 0, "port2": 2, "bw": 5})
assert t.linkInfo("h2", "s1")["bw"] == 5
t.setNodeInfo("h1", {"ip": "10.0.0.77/8"})
assert t.nodeInfo("h1") == {"ip": "10.0.0.77/8"}
assert len(t.g.edges()) == 11 and len(t.g) == 12
topos = {"t": t}
"""
    )
    made = loaded(tmp_path, code)
    assert made.explicit[1].addresses == ((0, "10.0.0.77/8"),)
    assert made.link_profile_of(1).forward.bandwidth == 5e6


def test_prints_and_writes_do_not_disturb(tmp_path: Path) -> None:
    code = (
        "import os, sys, json\nprint('{\"error\": 1}')\nos.write(1, b'junk')\nos.write(2, b'junk')\n"
        "sys.stdout.close()\nsys.stderr.close()\n" + PLAIN
    )
    assert loaded(tmp_path, code).node_count == 3


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys\nsys.exit(3)\n", "t.py:2: calls exit() before it builds a network"),
        ("exit()\n", "t.py: calls exit()|t.py:1: calls exit()|t.py:1: raises NameError"),
        ("import os\nos._exit(7)\n", "t.py: ended its process before it built a topology (exit code 7)"),
        ("import os\nos.kill(os.getpid(), 9)\n", "(killed by signal 9)"),
        ("x = 1\n\nraise ValueError('broken\\nhere')\n", "t.py:3: raises ValueError: broken\\nhere"),
        ("def f(:\n", "t.py:1: is not Python"),
        ("import nonesuch\n", "t.py:1: raises ModuleNotFoundError: No module named 'nonesuch'"),
        ("x = 1\n", "has neither a `topos` dictionary nor a subclass of Topo"),
        ("topos = {'a': lambda: 5}\n", "`a` makes a int, not a Topo"),
        ("from mininet.net import Mininet\n\nMininet().start()\n", "and makes no network as a script"),
        ("def f(): f()\nf()\n", "raises RecursionError"),
        (PLAIN + "topos = {'m': lambda: Mine('x')}\n", "t.py:6: raises TypeError"),
        ("from mininet.topo import Topo\nclass T(Topo):\n def build(self): pass\n", "has no nodes"),
        (PLAIN.replace("s)", "s, delay='soon')"), "delay='soon' is not a time"),
        (PLAIN.replace("s)", "s, bw='fast')"), "bw='fast' is not a number"),
        (PLAIN.replace("s)", "s, port2=1)"), "port 1 of `s1` is used by two links"),
        ("class E(Exception):\n def __str__(self): raise RuntimeError\nraise E\n", "t.py:3: raises E"),
    ],
)
def test_files_that_fail_say_where(tmp_path: Path, code: str, words: str) -> None:
    said = refused(tmp_path, code)
    assert any(word in said for word in words.split("|")), said


@pytest.mark.parametrize(
    "code",
    [
        "import time\nx = 1\nwhile True: pass\n",
        "import time\nx = 1\ntime.sleep(1e6)\n",
        "while True:\n try:\n  while True: pass\n except Exception: pass\n",
    ],
)
def test_an_endless_loop_ends(tmp_path: Path, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mininet_process, "SECONDS", 0.3)
    started = time.perf_counter()
    said = refused(tmp_path, code)
    assert "t.py:3: is still running after 0.3 seconds" in said
    assert time.perf_counter() - started < 5


def test_a_file_that_blocks_the_alarm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mininet_process, "SECONDS", 0.2)
    monkeypatch.setattr(mininet_process, "_GRACE", 0.5)
    code = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nwhile True: pass\n"
    assert "is still running" in refused(tmp_path, code)


@pytest.mark.parametrize("name", ["helper", "json", "platform", "topologies", "mininet_nodes"])
def test_a_neighbour_is_found_before_all_others(tmp_path: Path, name: str) -> None:
    """As for a script that Python runs: before the standard library, and before this project's package."""
    (tmp_path / f"{name}.py").write_text("N = 6\n", encoding="utf-8")
    code = f"import {name}\n" + PLAIN + f"topos = {{'m': lambda: Mine({name}.N)}}\n"
    assert loaded(tmp_path, code).node_count == 7


ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
WHO = """
import os, random
from mininet.topo import Topo
class T(Topo):
    def build(self):
        self.addHost("u%d-%d-g%d" % (os.getuid(), os.geteuid(), os.getegid()))
"""


@ROOT_ONLY
@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="needs a Python that all users can read")
def test_under_sudo_the_file_runs_as_who_typed_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1235")
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert list(loaded(tmp_path, WHO).names) == ["u1234-1234-g1235"]


@ROOT_ONLY
@pytest.mark.parametrize("variable", ["SUDO_UID", "SUDO_GID"])
@pytest.mark.parametrize("text", ["4294967295", "4294967296", "9" * 5000, "\uff11", "-1", "x"])
def test_a_number_that_no_user_has_is_refused(
    variable: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """setresuid(-1) changes nothing: the file would run as root."""
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1235")
    monkeypatch.setenv(variable, text)
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    assert f"{variable}=" in refused(tmp_path, WHO)


@ROOT_ONLY
def test_a_python_that_they_cannot_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child is told of an os module in a folder of root's."""
    monkeypatch.setenv("SUDO_UID", "1234")
    monkeypatch.setenv("SUDO_GID", "1235")
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    child = hidden / "mininet_child.py"
    source = mininet_process._CHILD.read_text(encoding="utf-8")
    child.write_text(source.replace("os.access(os.__file__", "os.access(__file__"), encoding="utf-8")
    for beside in mininet_process._CHILD.parent.glob("mininet_*.py"):
        if beside.name != child.name:
            (hidden / beside.name).write_bytes(beside.read_bytes())
    monkeypatch.setattr(mininet_process, "_CHILD", child)
    assert "who can't read the Python at" in refused(tmp_path, WHO)


def test_missing_file_and_binary(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file `no\.py`"):
        build(load_text("name: m\ntopology: {mininet: no.py}\n", folder=tmp_path))
    (tmp_path / "b.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is not UTF-8"):
        build(load_text("name: m\ntopology: {mininet: b.py}\n", folder=tmp_path))


def test_nothing_of_the_stand_in_stays_in_this_process(tmp_path: Path) -> None:
    loaded(tmp_path, PLAIN)
    assert not [name for name in sys.modules if name.split(".")[0] == "mininet"]


def test_a_router_with_hosts_of_its_own_has_a_bridge_for_them(tmp_path: Path) -> None:
    nodes = "{r1: {kind: router}, h1: {}, h2: {}}"
    made = build(load_text(f"name: r\ntopology: {{nodes: {nodes}, links: [[r1, h1], [r1, h2]]}}\n"))
    text = topologies.exported(made, "mininet")
    assert "('r1', {'bridge': ('r1', '10.0.0.1/29', ('r1-eth1', 'r1-eth2'))})," in text
    assert "('h2', '10.0.0.3/29', '02:00:00:03:00:00', '10.0.0.1')," in text
    assert loaded(tmp_path, text).kind_counts() == {"host": 2, "router": 1}


@pytest.mark.parametrize("example", ["dc-topo", "campus", "fat-tree"])
def test_the_exported_script_builds_the_same_graph(tmp_path: Path, example: str) -> None:
    made = open_topology(EXAMPLES / f"{example}.yaml")
    back = loaded(tmp_path, topologies.exported(made, "mininet"))
    assert sorted(back.names) == sorted(made.names)

    def links(t: Topology) -> list[object]:
        return sorted(
            (t.names[a], t.names[b], p, q, repr(t.link_profile_of(link)))
            for link, ((a, b), (p, q)) in enumerate(zip(t.ends.tolist(), t.ports.tolist(), strict=True))
        )

    assert links(back) == links(made)
    assert all(back.explicit[back.names.find(made.names[host])].macs for host in made.hosts.tolist())


def test_the_exported_script_is_plain_python(tmp_path: Path) -> None:
    made = open_topology(EXAMPLES / "att-like.yaml")
    path = tmp_path / "out.py"
    path.write_text(topologies.exported(made, "mininet"), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "py_compile", str(path)], check=True)
    text = path.read_text(encoding="utf-8")
    assert "LOOPS = True" in text
