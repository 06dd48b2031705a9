"""Two state directories on one machine: the machine's sysctls are right at every step, by /proc/sys."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

pytestmark = [pytest.mark.privileged, pytest.mark.e2e, pytest.mark.alone]

GC = Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3")
LEDGERS = Path("/run/topology-emulator-ledgers")
NEEDS = {"a": 3_100_000, "b": 3_900_000}
OF_OTHERS = 500_000
"""More than the networks of tests that run beside this one need, less than what tells two of ours apart."""

# The command line, with a network that needs as much as argv[1] says.
_NEEDY = """
import sys
from emulator.engines.netns import engine
from emulator.cli.main import run

need = int(sys.argv[1])
engine.global_needs = lambda plan: {"net.ipv4.neigh.default.gc_thresh3": need}
sys.exit(run(sys.argv[2:]))
"""


class Side:
    """One of two who work on the machine and know nothing of each other."""

    def __init__(self, letter: str, home: Path, folder: Path) -> None:
        self.need = NEEDS[letter]
        self.state = home / letter
        self.folder = folder
        (folder / "net.yaml").write_text("name: net\ntopology: {generator: single, hosts: 1}\n")

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        environment = os.environ | {"EMULATOR_STATE_DIR": str(self.state)}
        argv = [sys.executable, "-c", _NEEDY, str(self.need), *words]
        return subprocess.Popen(argv, cwd=self.folder, env=environment, stderr=subprocess.PIPE)

    def run(self, *words: str) -> None:
        with self.start(*words) as process:
            assert process.stderr is not None
            said = process.stderr.read().decode()
        assert process.returncode == 0, said

    def killed_up(self, seconds: float) -> None:
        with self.start("up", "net.yaml") as process:
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)

    def do(self, action: str) -> None:
        self.run("up", "net.yaml") if action == "up" else self.run("down", "net")

    def vanish(self) -> None:
        """Lose the state directory, mounts and all, without `down`."""
        for point in (self.state / ".mounts" / "net", self.state / ".mounts"):
            subprocess.run(["umount", "--lazy", point], check=True)
        subprocess.run(["rm", "-rf", "--one-file-system", self.state], check=True)


@pytest.fixture
def sides(state_dir: Path, tmp_path: Path) -> Iterator[dict[str, Side]]:
    if not GC.exists():
        pytest.skip("only the machine's first network namespace has this sysctl")
    original = int(GC.read_text())
    if original >= NEEDS["a"]:
        pytest.skip(f"gc_thresh3 is {original:,} already")
    others = LEDGERS.exists()
    made = {letter: Side(letter, state_dir, tmp_path) for letter in NEEDS}
    yield made
    for side in made.values():
        side.run("down", "--all")
    assert_at_end(original, others=others)
    state_dir.rmdir()


def assert_at_end(original: int, *, others: bool) -> None:
    """The old value is back; where others work too, theirs may be in force now."""
    if os.environ.get("CI"):
        assert int(GC.read_text()) == original
        assert LEDGERS.exists() == others
    else:
        assert int(GC.read_text()) < NEEDS["a"]


def in_force(up: set[str]) -> bool:
    return 0 <= int(GC.read_text()) - sum(NEEDS[side] for side in up) < OF_OTHERS


def interleavings() -> list[str]:
    """Return the orders in which two may come and go, a letter an action: first up, then down."""
    return sorted({"".join(order) for order in permutations("aabb")})


@pytest.mark.parametrize("order", interleavings())
def test_come_and_go_in_every_order(order: str, sides: dict[str, Side]) -> None:
    up: set[str] = set()
    for letter in order:
        sides[letter].do("down" if letter in up else "up")
        up ^= {letter}
        assert in_force(up), (order, up, GC.read_text())


@pytest.mark.parametrize("seed", range(4))
def test_killed_in_between(seed: int, sides: dict[str, Side]) -> None:
    """One is killed at any time of `up`; the other's value holds, and who looks next puts things right."""
    draw = random.Random(seed)
    steady, shaken = draw.sample("ab", 2)
    sides[steady].do("up")
    sides[shaken].killed_up(draw.uniform(0.1, 0.8))
    assert int(GC.read_text()) >= sides[steady].need
    sides[shaken].do("down")
    assert in_force({steady})
    sides[shaken].do("up")
    assert in_force({steady, shaken})
    sides[steady].do("down")
    assert in_force({shaken})


@pytest.mark.parametrize("lost", ["a", "b"])
def test_a_state_directory_that_vanished_holds_nothing_for_ever(lost: str, sides: dict[str, Side]) -> None:
    other = "b" if lost == "a" else "a"
    sides[lost].do("up")
    assert in_force({lost})
    sides[lost].vanish()
    sides[other].do("up")
    assert in_force({other})
    sides[other].do("down")
    assert in_force(set())


def test_a_changed_network_needs_what_it_needs_now(sides: dict[str, Side]) -> None:
    side = sides["b"]
    side.do("up")
    side.need = NEEDS["a"]
    side.do("up")
    assert in_force({"a"})
