"""Where controllers are, and what is written for a limit, in both versions of control groups."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from emulator.linux import cgroups
from emulator.linux.cgroup_mounts import Hierarchy, hierarchies
from emulator.linux.cgroups import group_name, settings
from emulator.linux.ledgers import ledger_file
from topologies.profiles import NodeProfile

V1 = """\
30 23 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:10 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
"""


def test_version_one_by_mount_options() -> None:
    assert hierarchies(V1) == {
        "cpu": Hierarchy("cpu", 1, Path("/sys/fs/cgroup/cpu,cpuacct")),
        "memory": Hierarchy("memory", 1, Path("/sys/fs/cgroup/memory")),
    }


def test_version_two_by_its_list_of_controllers(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    line = f"40 23 0:30 / {tmp_path} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
    assert {c: p.version for c, p in hierarchies(line).items()} == {"cpu": 2, "memory": 2}


def test_a_unified_hierarchy_without_controllers_gives_none(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("hugetlb\n")
    assert hierarchies(f"40 23 0:30 / {tmp_path} rw - cgroup2 cgroup2 rw\n") == {}


def test_what_is_written() -> None:
    profile = NodeProfile(cpu=1.5, memory=64 << 20)
    assert settings(2, "cpu", profile) == [("cpu.max", "150000 100000")]
    assert settings(1, "cpu", profile) == [("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", "150000")]
    assert settings(2, "memory", profile) == [("memory.max", "67108864"), ("memory.swap.max", "0")]
    assert settings(1, "memory", profile)[1] == ("memory.limit_in_bytes", "67108864")
    assert settings(1, "cpu", NodeProfile(cpu=1e-6))[1] == ("cpu.cfs_quota_us", "1000")
    assert settings(2, "cpu", NodeProfile(memory=1)) == []


def test_names_tell_networks_of_two_state_directories_apart() -> None:
    one, other = group_name(Path("/run/a"), "dc"), group_name(Path("/run/b"), "dc")
    assert one != other
    assert one.startswith("topology-emulator.dc.")


def test_no_limits_need_nothing(tmp_path: Path) -> None:
    with cgroups.entry(tmp_path, "g", "h1", NodeProfile()) as (prefix, descriptors):
        assert prefix == []
        assert descriptors == []


def test_version_two_groups_are_made_limited_and_entered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On plain files, in place of the kernel's: what would be written where."""
    state, top = tmp_path / "state", tmp_path / "cgroup"
    place = Hierarchy("cpu", 2, top)
    monkeypatch.setattr(ledger_file, "_FOLDER", str(tmp_path / "ledgers"))  # not the machine's own
    monkeypatch.setattr(cgroups, "hierarchies", lambda: {"cpu": place})
    monkeypatch.setattr(cgroups, "_version", lambda _folder: 2)
    folder = top / group_name(state, "g") / "node-h1"
    folder.mkdir(parents=True)
    (folder / "cgroup.procs").touch()
    with cgroups.entry(state, "g", "h1", NodeProfile(cpu=0.5)) as (prefix, descriptors):
        words = [*prefix, "printf", "%s;", "a b", "--", "$x"]
        done = subprocess.run(words, pass_fds=descriptors, capture_output=True, text=True, check=True)
    assert done.stdout == "a b;--;$x;"
    assert (top / "cgroup.subtree_control").read_text() == "+cpu"
    assert (folder.parent / "cgroup.subtree_control").read_text() == "+cpu"
    assert (folder / "cpu.max").read_text() == "50000 100000"
    assert (folder / "cgroup.procs").read_text() == "0\n"
