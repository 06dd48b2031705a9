"""Commands in a node stay within its limits on memory and CPU, and leave no control group behind."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from support.command import CommandLine

from emulator.linux.cgroup_mounts import hierarchies
from emulator.linux.cgroups import PREFIX, group_name

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.e2e,
    pytest.mark.alone,
    pytest.mark.skipif(
        not {"cpu", "memory"} <= set(hierarchies()), reason="no cgroup controllers cpu and memory here"
    ),
]

FILE = """\
name: lim
topology: {generator: single, hosts: 3}
nodes:
  - match: {name: h1}
    memory: 48 MiB
    cpu: 0.2
  - match: {name: h2}
    memory: 512 MiB
"""
HOG = "kept = [bytearray(b'x' * (1 << 20)) for _ in range(128)]; print('survived')"
SPIN = """
import time
begin, used = time.monotonic(), time.process_time()
while time.monotonic() - begin < 1:
    pass
print((time.process_time() - used) / (time.monotonic() - begin))
"""


def groups(state: Path) -> list[Path]:
    """Return the network's groups: one for each controller under version 1, one for all under version 2."""
    name = group_name(state, "lim")
    return sorted({place.root / name for place in hierarchies().values() if (place.root / name).is_dir()})


@pytest.fixture
def network(tmp_path: Path, cli: CommandLine) -> None:
    (tmp_path / "lim.yaml").write_text(FILE)
    cli("up", "lim.yaml", code=0)


@pytest.mark.skipif(not shutil.which("mn"), reason="apt install mininet")
def test_what_is_typed_in_mininets_command_line_is_limited_too(
    tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    (tmp_path / "lim.yaml").write_text(f"{FILE}engine: mininet\nswitch: bridge\n")
    (tmp_path / "spin.py").write_text(SPIN)
    (tmp_path / "hog.py").write_text(HOG)
    cli("up", "lim.yaml", code=0)

    def typed(line: str) -> str:
        return cli("shell", "lim", "--mininet", stdin=f"{line}\n", code=0).stderr

    def share(host: str) -> float:
        said = typed(f"{host} {sys.executable} {tmp_path}/spin.py")
        return next(float(word) for word in said.split() if word.startswith("0."))

    assert share("h1") < 0.35
    assert share("h3") > 0.4
    assert "survived" not in typed(f"h1 {sys.executable} {tmp_path}/hog.py")
    assert "survived" in typed(f"h2 {sys.executable} {tmp_path}/hog.py")
    assert float(cli("exec", "h1", "--", sys.executable, str(tmp_path / "spin.py"), code=0).stdout) < 0.35
    (tmp_path / "lim.yaml").write_text(f"{FILE}engine: mininet\n".replace("cpu: 0.2", "cpu: 2"))
    cli("up", "lim.yaml", code=0)
    assert share("h1") > 0.4
    cli("down", "lim", code=0)
    assert groups(state_dir) == []


def test_a_memory_hog_is_killed_in_its_node_only(network: None, cli: CommandLine) -> None:
    killed = cli("exec", "h1", "--", sys.executable, "-c", HOG, code=137)
    assert killed.stdout == ""
    assert cli("exec", "h2", "--", sys.executable, "-c", HOG, code=0).stdout == "survived\n"
    assert cli("exec", "h3", "--", sys.executable, "-c", HOG, code=0).stdout == "survived\n"
    several = cli("exec", "h*", "--", sys.executable, "-c", HOG, code=137)
    assert sorted(several.stdout.splitlines()) == ["h2: survived", "h3: survived"]
    cli("down", "lim", code=0)


def test_cpu_is_held_to_its_share(network: None, cli: CommandLine) -> None:
    share = float(cli("exec", "h1", "--", sys.executable, "-c", SPIN, code=0).stdout)
    assert 0.05 < share < 0.25
    cli("down", "lim", code=0)


def test_arguments_and_exit_codes_pass_through(network: None, cli: CommandLine) -> None:
    words = ["a b", "$HOME", "--", "'\"", "*"]
    done = cli("exec", "h1", "--", sys.executable, "-c", "import sys; print(sys.argv[1:])", *words, code=0)
    assert done.stdout == f"{words}\n"
    assert cli("exec", "h1", "--", "sh", "-c", "exit 7").returncode == 7
    cli("down", "lim", code=0)


def test_groups_are_made_when_needed_and_go_with_the_network(
    network: None, cli: CommandLine, state_dir: Path
) -> None:
    cli("exec", "h3", "--", "true", code=0)
    assert groups(state_dir) == []
    cli("exec", "h1", "--", "true", code=0)
    made = groups(state_dir)
    assert made
    assert all(path.name.startswith(f"{PREFIX}.lim.") for path in made)
    cli("down", "lim", code=0)
    assert groups(state_dir) == []


def test_what_runs_on_in_a_group_ends_with_the_network(
    network: None, cli: CommandLine, state_dir: Path
) -> None:
    """A command that left its node's namespace is found by its group."""
    script = "unshare -n sleep 1000 >/dev/null 2>&1 & echo $!"
    pid = int(cli("exec", "h1", "--", "sh", "-c", script, code=0).stdout)
    cli("down", "lim", code=0)
    stat = Path(f"/proc/{pid}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"  # not reaped yet
    assert groups(state_dir) == []


def test_groups_that_commands_made_in_theirs_go_too(network: None, cli: CommandLine, state_dir: Path) -> None:
    cli("exec", "h1", "--", "true", code=0)
    made = [group / "node-h1" / "made" / "inside" for group in groups(state_dir)]
    assert made
    for folder in made:
        folder.mkdir(parents=True)
    try:
        cli("down", "lim", code=0)
        assert groups(state_dir) == []
    finally:
        for folder in (f for inside in made for f in (inside, inside.parent) if f.is_dir()):
            folder.rmdir()


@pytest.mark.parametrize("engine", ["netns", "mininet"])
def test_limits_that_are_changed_by_hand_are_named_and_restored(
    engine: str, tmp_path: Path, state_dir: Path, cli: CommandLine
) -> None:
    if engine == "mininet" and not shutil.which("mn"):
        pytest.skip("apt install mininet")
    (tmp_path / "lim.yaml").write_text(f"engine: {engine}\nswitch: bridge\n{FILE}")
    cli("up", "lim.yaml", code=0)
    cli("exec", "h1", "--", "true", code=0)
    assert cli.json("status", "lim")["networks"][0]["deviations"] == []
    files = [
        file
        for group in groups(state_dir)
        for name in ("cpu.max", "cpu.cfs_quota_us", "memory.max", "memory.limit_in_bytes")
        if (file := group / "node-h1" / name).exists()
    ]
    before = {file: file.read_text() for file in files}
    assert len(before) == 2
    for file in files:
        file.write_text(str(30 << 20) if file.name.startswith("memory") else "70000")
    changed = {file: file.read_text() for file in files}
    said = cli("status", "lim", code=1).stdout
    assert all(f"h1: limit {file.name}" in said for file in files)
    assert "repaired: " in cli("up", "lim.yaml", code=0).stdout
    assert {file: file.read_text() for file in files} == before != changed
    assert cli.json("status", "lim")["networks"][0]["deviations"] == []
    cli("down", "lim", code=0)
