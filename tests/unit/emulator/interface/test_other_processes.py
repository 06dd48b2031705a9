"""Scripts beside other processes: signals end them in order, and what others change is seen."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import emulator
from emulator.errors import UsageError
from emulator.interface.ends import ExitOnSignals
from emulator.state import names

TREE = {
    "name": "t",
    "engine": "dry-run",
    "topology": {"generator": "tree", "depth": 2, "fanout": 2},
}
_SCRIPT = """
import signal, sys, time, emulator
if sys.argv[1] == "own":
    signal.signal(signal.SIGTERM, lambda *_: print("mine", flush=True))
with emulator.up({tree}) as one, emulator.up({tree} | {{"name": "u"}}):
    print("up", flush=True)
    time.sleep(float(sys.argv[2]))
print("after", flush=True)
"""


@pytest.mark.parametrize(
    ("handler", "sent", "code"),
    [("none", signal.SIGTERM, 143), ("none", signal.SIGHUP, 129), ("own", signal.SIGTERM, 0)],
)
def test_a_signal_takes_the_networks_of_a_script_down(
    state_dir: Path, handler: str, sent: signal.Signals, code: int
) -> None:
    words = [sys.executable, "-c", _SCRIPT.format(tree=TREE), handler, "0.5" if handler == "own" else "60"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as script:
        assert script.stdout is not None
        assert script.stdout.readline() == "up\n"
        script.send_signal(sent)
        rest, _ = script.communicate(timeout=30)
    assert (script.returncode, rest) == (code, "" if code else "mine\nafter\n")
    assert names() == []


def test_signals_are_given_back(state_dir: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with emulator.up(TREE):
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
    taken = ExitOnSignals()
    taken.begin()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the script chose meanwhile
    taken.end()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    signal.signal(signal.SIGTERM, before)


def _by_the_command_line(*change: str) -> None:
    words = [sys.executable, "-m", "emulator", "link", "s1", "s2", *change]
    subprocess.run(words, check=True, capture_output=True)


def _by_another_handle(*change: str) -> None:
    link = emulator.attach("t").link("s1", "s2")
    if change == ("down",):
        link.down()
    else:
        link.set(bandwidth="3 Mbit")


@pytest.mark.parametrize("change", [_by_the_command_line, _by_another_handle])
def test_what_others_do_to_links_is_seen_and_kept(state_dir: Path, change: Callable[..., None]) -> None:
    network = emulator.up(TREE)
    held = network.link("s1", "s2")
    change("set", "--bandwidth", "3Mbit")
    assert held.forward.bandwidth == network.link("s1", "s2").forward.bandwidth == 3e6
    change("down")
    assert not held.is_up
    assert [interface.up for interface in network["s2"].interfaces if interface.peer == "s1"] == [False]
    held.up()
    assert held.forward.bandwidth == 3e6  # what the other one set
    assert emulator.attach("t").link("s1", "s2").is_up


def _ring(nodes: list[str], parallel: int = 1) -> dict[str, object]:
    pairs = list(zip(nodes, nodes[1:] + nodes[:1], strict=True))
    kinds = {name: {"kind": "router"} for name in nodes}
    topology = {"nodes": kinds, "links": [list(pair) for pair in pairs * parallel]}
    return {"name": "t", "engine": "dry-run", "topology": topology}


def test_nodes_and_links_are_found_again_in_a_changed_network(state_dir: Path) -> None:
    network = emulator.up(_ring(["b", "c", "d"], parallel=2))
    node, gone = network["d"], network["b"]
    link, lost = network.link("d", "c", 1), network.link("b", "c", 0)
    emulator.up(_ring(["a", "d", "c", "e"], parallel=2))
    assert node.index == 2  # until it is asked
    assert node.addresses == network["d"].addresses
    assert {interface.peer for interface in node.interfaces} == {"a", "c"}
    link.down()
    assert [one.is_up for one in network.links() if {one.a, one.b} == {"c", "d"}] == [True, False]
    assert sum(not one.is_up for one in network.links()) == 1
    for call in (lambda: gone.run("true"), lambda: gone.kind, lost.down, lambda: gone.popen("true")):
        with pytest.raises(UsageError, match=r"no node `b` in `t`|no node of `t` matches `b`"):
            call()
    network.down()
    for call in (lambda: node.popen("true"), lambda: node.addresses, link.up, lambda: link.forward):
        with pytest.raises(UsageError, match="no network `t` is up"):
            call()
