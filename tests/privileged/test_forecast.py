"""The forecast of memory and of limits, against the kernel."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e, pytest.mark.alone]


def kernel_memory() -> int:
    """Return what the kernel uses for itself, in bytes: programs that come and go meanwhile don't count.

    What is neither free nor a program's isn't it: freed pages wait in lists of each processor, 700 MiB after
    a network of 3,600 nodes, and are neither.
    """
    lines = (line.split() for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    kib = {words[0].rstrip(":"): int(words[1]) for words in lines}
    return 1024 * (kib["Slab"] + kib["Percpu"] + kib["VmallocUsed"] + kib["KernelStack"] + kib["PageTables"])


def namespaces() -> int:
    """Return how many network namespaces the kernel holds; those being destroyed still count."""
    for line in Path("/proc/slabinfo").read_text(encoding="ascii").splitlines():
        if line.startswith("net_namespace "):
            return int(line.split()[1])
    pytest.skip("this kernel doesn't count network namespaces in /proc/slabinfo")


def settled() -> tuple[int, int]:
    """Return the kernel's memory and namespaces once it has let go of what earlier networks had.

    `down` returns when the devices are gone; the kernel frees the memory of namespaces later, by itself.
    """
    found: list[tuple[int, int]] = []
    for _ in range(100):
        found = [*found[-4:], (kernel_memory(), namespaces())]
        memory, count = zip(*found, strict=True)
        if len(found) == 5 and max(memory) - min(memory) < 2**21 and len(set(count)) == 1:
            break
        time.sleep(0.2)
    return found[-1]


def test_memory_is_within_a_factor_of_the_forecast(cli: CommandLine, tmp_path: Path) -> None:
    # a thousand nodes: with a few hundred, memory that the kernel kept from earlier networks hides them
    text = "name: f\ntopology: {generator: linear, k: 32, hosts_per_switch: 32}\n"
    (tmp_path / "f.yaml").write_text(text)
    planned = cli.json("plan", "f.yaml")
    nodes, forecast = planned["workers"][0]["nodes"], planned["forecast"]["memory_bytes"]
    for _ in range(4):
        before, count = settled()
        cli("up", "f.yaml", code=0)
        after, there = settled()
        used, made = after - before, there - count
        cli("down", "f", code=0)
        # whether a measurement counts is told by the namespaces, not by its outcome: when others make or
        # drop theirs meanwhile, the growth isn't ours
        if abs(made - nodes) <= 0.1 * nodes:
            break
    else:
        pytest.skip("others make and drop network namespaces all the time: memory can't be measured")
    assert forecast / 1.5 < used < forecast * 1.5


def test_what_is_up_already_is_not_refused_for_the_memory_that_it_has(
    cli: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "f.yaml").write_text("name: f\ntopology: {generator: single, hosts: 3}\n")
    cli("up", "f.yaml", code=0)
    assert cli.json("up", "f.yaml")["changes"] == []
    assert cli.json("plan", "f.yaml")["refusals"] == []
    cli("down", "f", code=0)


def test_what_this_machine_cannot_hold_is_refused_before_anything_is_made(
    cli: CommandLine, tmp_path: Path, state_dir: Path
) -> None:
    huge = "{generator: region, zones: 3, pods: 50, racks: 100, hosts: 39}"
    (tmp_path / "huge.yaml").write_text(f"name: huge\ntopology: {huge}\n")
    told = cli("up", "huge.yaml", code=3).stderr
    assert "this machine has" in told
    assert not state_dir.exists()
    planned = cli.json("plan", "huge.yaml", code=3)
    assert [reason for reason in planned["refusals"] if reason.startswith("needs ") and "GiB" in reason]
