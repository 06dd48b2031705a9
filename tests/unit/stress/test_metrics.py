"""Readers of /proc from text as kernels write it, and the sampler's own cost."""

import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.engines.dry_run import DryRunEngine, DryRunNetwork
from emulator.plan import make_plan
from emulator.tasks import started
from stress.limits import judge, parse
from stress.metrics import host, rtnl
from stress.metrics.figure_table import FIGURES, Figure
from stress.metrics.figure_units import COUNTERS, HOST, figure_unit, unit_of
from stress.metrics.figures import Figures
from stress.metrics.ports import Ports
from stress.metrics.processes import Processes
from stress.metrics.rates import rates, shares
from stress.metrics.sampler import Sampler
from stress.metrics.table import Table
from stress.records import Phase, RunResult, Sample
from stress.tasks.ports import answer, request
from stress.tasks.processes import which
from topologies.build import build
from topologies.spec.load import load_text

STAT = """\
cpu  200 0 100 1600 100 0 100 0 0 0
cpu0 100 0 50 800 50 0 50 0 0 0
cpu1 100 0 50 800 50 0 50 0 0 0
intr 5000 1 2 3
ctxt 12345
btime 1700000000
procs_running 3
procs_blocked 1
"""


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DryRunNetwork:
    monkeypatch.setenv("EMULATOR_STATE_DIR", str(tmp_path / "state"))
    topology = build(load_text("name: t\ntopology: {generator: single}\n"))
    return DryRunEngine().deploy(make_plan(topology, "dry-run"))


def test_cpu_by_mode_is_a_share_of_all_and_by_core_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_TICK", 100)
    found = host.stat_of(STAT)
    assert found["host.cpu.user"] == 1.0
    assert found["host.cpu.idle"] == 8.0
    assert found["host.cpu.busy"] == 2.0
    assert found["host.cpu.core1"] == 2.0
    assert found["host.context_switches"] == 12345
    assert found["host.interrupts"] == 5000
    assert (found["host.processes.running"], found["host.processes.blocked"]) == (3, 1)


def test_other_files_of_proc() -> None:
    assert host.sockets_of("sockets: used 42\nTCP: inuse 5 orphan 0 tw 0\n") == {
        "host.sockets": 42, "host.sockets.tcp": 5}  # fmt: skip
    assert host.softirqs_of("      CPU0 CPU1\n  TIMER: 10 20\n NET_RX: 1 2\n") == {
        "host.softirqs.timer": 30, "host.softirqs.net_rx": 3, "host.softirqs.total": 33}  # fmt: skip
    rows = "0000000a 00000001 00000002 00000000\n00000014 00000000 00000001 00000000\n"
    assert host.softnet_of(rows) == {
        "host.softnet.processed": 30, "host.softnet.dropped": 1, "host.softnet.squeezed": 3}  # fmt: skip
    text = "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 total=1000000\n"
    assert host.pressure_of("io", text) == {"host.pressure.io.some": 2.5, "host.pressure.io.full": 1.0}
    line = "net_namespace         28     56   4288    7    8 : tunables 0 0 0 : slabdata 8 8 0\n"
    assert host.namespaces_of("slabinfo - version: 2.1\n" + line) == {"host.namespaces": 28}


def test_files_that_are_not_there_give_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(host, "_PROC", tmp_path)
    assert host.counters() == {}
    assert "host.sockets" not in host.gauges()
    assert host.gauges()["host.memory.used"] > 0


def test_what_this_kernel_says_has_names_that_are_documented() -> None:
    here = {*host.gauges(), *host.counters()}
    strange = {name for name in here - set(HOST)
               if not name.startswith(("host.cpu.core", "host.softirqs.", "host.pressure."))}  # fmt: skip
    assert not strange
    assert {"host.cpu.busy", "host.memory.slab", "host.load.1", "host.interrupts"} <= here


def test_rates_survive_counters_that_begin_anew() -> None:
    assert rates({"a": 10.0, "b": 100.0, "gone": 1.0}, {"a": 30.0, "b": 4.0, "new": 9.0}, 2.0) == {
        "a": 10.0, "b": 2.0}  # fmt: skip


def test_cpu_modes_are_shares_of_what_was_counted() -> None:
    found = shares({"host.cpu.user": 0.6, "host.cpu.idle": 0.6, "host.cpu.busy": 0.6, "host.cpu.core0": 1.01})
    assert found == {"host.cpu.user": 0.5, "host.cpu.idle": 0.5, "host.cpu.busy": 0.5, "host.cpu.core0": 1.0}


def test_units() -> None:
    units = {name: unit_of(name) for name in ("host.cpu.core7", "host.memory.slab", "port.h1-eth0.rx_bytes",
             "port.h1-eth0.rx_packets", "process.runner.cpu", "process.runner.rss", "process.runner.fds",
             "host.softnet.dropped", "host.load.1")}  # fmt: skip
    assert list(units.values()) == [
        "share", "bytes", "byterate", "rate", "share", "bytes", "count", "rate", "count"]  # fmt: skip


def test_processes_that_matter_are_known_by_name_or_by_what_they_run() -> None:
    assert which("ovs-testcontrol", []) == "ovs-testcontroller"
    assert which("python3", ["/usr/bin/python3", "/usr/bin/ryu-manager", "app.py"]) == "ryu-manager"
    assert which("python3", ["python3", "/opt/pox/pox.py"]) == "pox"
    assert which("bash", ["bash", "-c", "sleep"]) is None


HOLDS = "import sys; held = bytearray(b'x') * (48 << 20); print(flush=True); sys.stdin.read()"


@contextmanager
def holding() -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds 48 MiB."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.stdin.close()


ARP = """\
entries  allocs   destroys hash_grows lookups  hits     res_failed forced_gc_runs discards table_fulls
000003f2 00001a72 0000224d 00000000   00483ffe 00040ba0 00000921   00008445       000002ab 000083e9
000003f2 00002a3a 00001e6d 00000009   0039a4d4 0005a11a 00000dea   0000b7dc       000001fc 0000b793
"""


def test_the_neighbour_table_says_how_often_it_was_full() -> None:
    assert host.neighbours_of(ARP) == (0x3F2, 0x83E9 + 0xB793)
    assert host.neighbours_of("") == host.neighbours_of("entries\n00000007\n") == (0, 0)
    whole = host.neighbours_of(ARP.replace("table_fulls", "something_new"))
    assert whole == (0x3F2, 0)
    assert {"host.neighbours", "host.neighbours.full"} <= set(HOST)
    assert (unit_of("host.neighbours"), unit_of("host.neighbours.full")) == ("count", "rate")
    if Path("/proc/net/stat/arp_cache").exists():
        rows = [line.split() for line in Path("/proc/net/stat/arp_cache").read_text().splitlines()]
        assert host.counters()["host.neighbours.full"] >= sum(int(row[-1], 16) for row in rows[1:])


def test_a_wait_for_the_kernels_lock_is_seen_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    held, asked = threading.Lock(), threading.Event()

    def waits(_: object) -> int:
        asked.set()
        with held:
            return 1

    monkeypatch.setattr(rtnl, "ask", waits)
    waiting = rtnl.LockWaits()
    with held:
        waiting.start()
        assert asked.wait(10)
        time.sleep(0.3)
        assert 0.25 < waiting.longest() < 10
        assert waiting.longest() >= 0.3, "it still waits"
        time.sleep(0.1)
    deadline = time.monotonic() + 10
    while waiting._since is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    waiting.stop()
    assert waiting.longest() >= 0.4
    assert waiting.longest() == 0


def test_the_kernel_says_whether_the_loopback_has_a_carrier() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert rtnl.ask(sock) == int(Path("/sys/class/net/lo/carrier").read_text())
    assert unit_of("host.rtnl.wait") == figure_unit("host.rtnl.wait.max") == "seconds"


def anonymous(pid: int) -> int:
    """Return the bytes of pages that belong to no file, as the kernel counts them page by page.

    Not psutil's USS: it counts the code of libraries that nobody else has loaded, too.
    """
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Anonymous:"))


def with_tasks(*inside: int) -> Any:
    """Return a network that runs tasks here, with these processes in it."""
    nodes: Any = SimpleNamespace(processes=lambda: inside)
    access = SimpleNamespace(supports=lambda _: True, start=lambda task: started(task, nodes))
    return SimpleNamespace(access=access)


def test_memory_of_a_run_is_that_of_its_processes_and_not_of_others() -> None:
    with holding() as inside, holding():
        found = Processes(with_tasks(inside.pid)).measure(None)["run.memory"]
        own, its = map(anonymous, (os.getpid(), inside.pid))
    assert its > 46 << 20, "what is held is in the other process"
    assert abs(found - (own + its)) < 16 << 20, "the other's 48 MiB are not in it"


def test_limits_on_memory_say_whose_it_is() -> None:
    record = RunResult({}, {}, {}, seed=0, began=0.0)
    names = ("host.memory.used", "run.memory", "process.runner.rss")
    record.samples = [Sample(at, dict.fromkeys(names, at * 2**20)) for at in (0.0, 3.0)]
    texts = ["host.memory.growth <= 1 MiB", "run.memory.growth <= 9 MiB", "process.runner.rss.max <= 9 MiB"]
    assert [verdict.words for verdict in judge(record, map(parse, texts))] == [
        "measured 3 MiB, of the whole machine",
        "measured 3 MiB, of the runner and what runs in the network",
        "measured 3 MiB",
    ]


def test_this_process_is_measured_as_the_runner(network: DryRunNetwork) -> None:
    processes = Processes(network)
    first = processes.measure(None)
    assert "process.runner.cpu" not in first
    assert first["process.runner.rss"] > 1e6
    deadline = time.process_time() + 0.05
    while time.process_time() < deadline:
        pass
    assert processes.measure(1.0)["process.runner.cpu"] >= 0.03


def test_what_runs_in_the_network_is_measured_by_name_and_only_that(tmp_path: Path) -> None:
    program = tmp_path / "iperf3"
    program.symlink_to("/bin/sh")
    busy = [str(program), "-c", "while :; do :; done"]
    with subprocess.Popen(busy) as inside, subprocess.Popen(busy) as outside:
        try:
            processes = Processes(with_tasks(inside.pid))
            first, begin = processes.measure(None), time.monotonic()
            time.sleep(0.5)
            second = processes.measure(time.monotonic() - begin)
            inside.kill()
            inside.wait()
            third = processes.measure(1.0)
        finally:
            inside.kill()
            outside.kill()
        processes.close()
    assert "process.iperf3.cpu" not in first
    assert first["process.iperf3.fds"] >= 3
    assert 0.05 < second["process.iperf3.cpu"] < 1.2, "that of one process, not of both"
    assert not [name for name in third if "iperf3" in name]


def test_a_controller_outside_of_the_network_is_the_machine_s(tmp_path: Path) -> None:
    program = tmp_path / "ryu-manager"
    program.symlink_to("/bin/sh")
    wait = [str(program), "-c", "read line"]
    with (
        subprocess.Popen(wait, stdin=subprocess.PIPE) as inside,
        subprocess.Popen(wait, stdin=subprocess.PIPE),
    ):
        processes = Processes(with_tasks(inside.pid))
        found = processes.measure(None)
        processes.close()
    assert found["process.ryu-manager.fds"] >= 3
    assert found["process.machine.ryu-manager.fds"] >= 3
    assert figure_unit("process.machine.ryu-manager.cpu.max") == "share"


def test_counters_of_an_interface_by_netlink() -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as sock:
        sock.send(request("lo"))
        found = answer(sock.recv(1 << 16))
        assert list(found) == list(COUNTERS)
        assert found["rx_bytes"] == found["tx_bytes"]
        sock.send(request("not-there"))
        with pytest.raises(OSError, match="no such port"):
            answer(sock.recv(1 << 16))


def test_an_answer_without_counters_is_empty() -> None:
    attribute = struct.pack("=HH4s", 8, 3, b"lo\0\0")
    message = struct.pack("=IHHII", 16 + 16 + len(attribute), 16, 0, 1, 0) + bytes(16) + attribute
    assert answer(message) == {}


def test_an_engine_without_sockets_has_no_counters(network: DryRunNetwork) -> None:
    ports = Ports([(0, 0)], network)
    assert ports.counters() == {}
    ports.close()


def test_the_sampler_samples_at_both_ends_and_costs_little(network: DryRunNetwork) -> None:
    begin = time.monotonic()
    sampler = Sampler(0.2, [], network)
    sampler.start(lambda: time.monotonic() - begin)
    deadline = begin + 10
    while len(sampler._samples) < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    samples, cost = sampler.stop()
    assert samples[0].at < 0.2
    assert samples[-1].at >= 1.0
    assert "host.cpu.busy" not in samples[0].values
    assert 0 <= samples[1].values["host.cpu.busy"] <= 1
    assert samples[0].values.keys() >= {"host.memory.used", "host.sockets", "host.interfaces"}
    assert cost / len(samples) <= 0.02  # 2 % of a core at a sample per second
    assert sampler.latest == samples[-1]


def test_a_failure_of_the_sampler_is_not_silent(
    network: DryRunNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> dict[str, float]:
        raise ValueError("odd kernel")

    monkeypatch.setattr(host, "gauges", broken)
    sampler = Sampler(0.1, [], network)
    sampler.start(time.monotonic)
    sampler.stop()
    assert str(sampler.failure) == "odd kernel"


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: row.form)
def test_figures_of_the_table_are_known_with_their_unit(row: Figure) -> None:
    name = row.form
    for shape, word in {
        "WHO": "flap",
        "PROBE": "ping",
        "STEP": "ramp",
        "VERB": "down",
        "STAT": "p99",
    }.items():
        name = name.replace(shape, word)
    whole, bare = name.replace("[", "").replace("]", ""), re.sub(r"\[.*\]", "", name)
    assert figure_unit(whole) == figure_unit(bare) == row.unit


@pytest.mark.parametrize(
    ("warmup", "growth", "mean"), [(5.0, 2.0, 284 / 3), (2.0, 62.0, 81.0), (0.0, 62.0, 81.0)]
)
def test_what_is_sampled_is_judged_from_the_last_sample_of_the_warmup_on(
    warmup: float, growth: float, mean: float
) -> None:
    used = {0.0: 40.0, 4.0: 100.0, 8.0: 82.0, 12.0: 102.0}
    record = RunResult({}, {}, {}, seed=0, began=0.0, phases=[Phase("warmup", 0.0, warmup)])
    record.samples = [Sample(at, {"host.memory.used": value}) for at, value in used.items()]
    figures = Figures(record)
    assert figures.get("host.memory.growth") == growth
    assert figures.get("host.memory.mean") == pytest.approx(mean)
    assert Figures(RunResult({}, {}, {}, seed=0, began=0.0)).get("host.memory.growth") is None


def test_samples_are_kept_in_columns_and_come_back_as_they_were() -> None:
    table = Table()
    samples = [Sample(float(k), {"a": k / 3, **({"b": 1.0} if k % 2 else {})}) for k in range(9)]
    for sample in samples:
        table.add(sample)
    assert table.samples() == samples
    assert len(table) == 9


def test_what_is_kept_of_a_sample_is_a_number_a_metric() -> None:
    table, values = Table(), {f"host.{k}": 0.0 for k in range(100)}
    table.add(Sample(0.0, values))
    tracemalloc.start()
    for k in range(1000):
        table.add(Sample(float(k), dict.fromkeys(values, k + 0.5)))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1000 * len(values) * 8 * 1.3
