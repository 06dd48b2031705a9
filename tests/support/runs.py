"""Run record like that of a real run, generated from a seed: for tests of reports, and to view pages.

It has ten seconds of warmup, port flaps all the time, occasional restarts of a switch, and ten seconds of
cooldown. As in the kernel, a flap makes the probes of its host fail while the port is away, and a restart
those of eight hosts.
"""

from __future__ import annotations

import math

from stress.histogram import Histogram
from stress.operations import Operation, Outcome
from stress.outcomes import Outcomes
from stress.records import (
    LeakCheck,
    LossWindow,
    Phase,
    ProbeRecord,
    RunResult,
    Sample,
)
from topologies.rng import Stream

HOSTS = 64
ACTIONS = {"flap": "port-flap", "restart": "switch-restart"}
AWAY = {"flap": 0.05, "restart": 1.5}
EDGE = 10.0
"""Seconds of warmup and of cooldown."""


def made_run(seconds: float = 300.0, operations: int = 10_000, probes: int = 40, seed: int = 5) -> RunResult:
    """Return a run of `operations` port flaps and switch restarts, with samples every second."""
    outcomes = _outcomes(seconds, operations, Stream(seed, "made run"))
    busy = seconds - EDGE
    span = {"start": EDGE, "seconds": busy - EDGE}
    steps = [{"name": name, "action": action, **span} for name, action in ACTIONS.items()]
    restarts = sum(outcome.operation.step == "restart" for outcome in outcomes)
    return RunResult(
        scenario={"name": "port-churn", "seed": seed, "steps": steps},
        network={"name": "dc", "engine": "netns", "nodes": {"host": HOSTS, "switch": 9}, "links": 72,
                 "fidelity": {"full": HOSTS + 9}},
        machine={"kernel": "6.1.0-28-amd64", "machine": "x86_64", "cpu": "a </script><b>processor</b>",
                 "cores": 2, "memory": 8 << 30, "python": "3.11.2",
                 "versions": {"topology-emulator": "0.1.0", "numpy": "2.1.0"},
                 "load_before": [0.12, 0.3, 0.28]},
        seed=seed,
        began=1_700_000_000.0,
        phases=[Phase("warmup", 0.0, EDGE), Phase("flap", EDGE, busy), Phase("restart", EDGE, busy),
                Phase("cooldown", busy, seconds - 0.2), Phase("restore", seconds - 0.2, seconds)],
        outcomes=Outcomes.of(outcomes),
        offered={"flap": len(outcomes) - restarts, "restart": restarts},
        probes=_probes(outcomes, probes, seconds, Stream(seed, "probes")),
        samples=[
            Sample(float(at), _values(at, seconds, Stream(seed, str(at)))) for at in range(int(seconds))
        ],
        sampler_cost=0.0034 * seconds,
        probe_cost=0.011 * seconds,
        leaks=LeakCheck({"host.namespaces": (75.0, 75.0), "host.memory.used": (2.1e9, 2.104e9)}, []),
        restored=["h9-eth0"],
        warnings=["1.2% of the operations began more than 10 ms late, 0.21 s at worst"],
    )  # fmt: skip


def _outcomes(seconds: float, operations: int, stream: Stream) -> list[Outcome]:
    """Return flaps (down, and up 50 ms later) and every 25th time a switch's restart instead."""
    begins = sorted((stream.random(operations // 2) * (seconds - 2 * EDGE - 2) + EDGE).tolist())
    hosts = stream.integers(HOSTS, operations // 2).tolist()
    waits = (-stream.random(operations).clip(1e-9)).tolist()
    found = []
    for number, (at, host) in enumerate(zip(begins, hosts, strict=True)):
        step = "restart" if number % 100 == 50 else "flap"
        verbs = ("stop", "start") if step == "restart" else ("down", "up")
        target = f"e{host // 8 + 1}" if step == "restart" else f"h{host + 1}-eth0"
        for verb, due in zip(verbs, (at, at + AWAY[step]), strict=True):
            operation = Operation(len(found), due, step, ACTIONS[step], verb, (target,))
            late = 1e-5 + (0.004 + 0.03 * waits[number] ** 2 if 140 < due < 150 else 0.0)
            took = (9e-5 if step == "flap" else 5e-3) * (1 - 0.3 * math.log(-waits[len(found)]))
            error = "bring up: No such device" if verb == "up" and number % 977 == 5 else ""
            skipped = "the port is down already" if verb == "down" and number % 301 == 9 else ""
            found.append(Outcome(operation, due + late, due + late + took, error, skipped))
    return sorted(found, key=lambda outcome: outcome.operation.at)


def _probes(outcomes: list[Outcome], count: int, seconds: float, stream: Stream) -> list[ProbeRecord]:
    """Return pings at 10 Hz from host k to host 64 - k: unanswered while an end is away."""
    histogram = Histogram()
    found = []
    for number in range(count):
        ends = (number % HOSTS, HOSTS - 1 - number % HOSTS)
        windows = _windows(outcomes, ends, number)
        sent, lost = int(seconds * 10), sum(window.lost for window in windows)
        asked = [k * seconds / 300 for k in range(300)]
        noise = stream.random(300).clip(1e-6).tolist()
        times = [(at, 4e-5 * (1 - math.log(one)) + (4e-4 if 140 < at < 150 else 0))
                 for at, one in zip(asked, noise, strict=True)]  # fmt: skip
        histogram.add_all([time for _, time in times])
        names = (f"h{ends[0] + 1}", f"h{ends[1] + 1}")
        record = ProbeRecord("ping", *names, sent, sent - lost, windows, times, interval=0.1, late=number % 3)
        record.histogram = histogram
        found.append(record)
    if found:
        found[-1].windows.append(LossWindow(seconds - 2, None, 20, seconds - 2.1))
        found[-1].answered -= 20
    return found


def _windows(outcomes: list[Outcome], ends: tuple[int, int], number: int) -> list[LossWindow]:
    """Return the loss windows that the operations on these hosts and their switches caused."""
    names = {f"h{end + 1}-eth0" for end in ends} | {f"e{end // 8 + 1}" for end in ends}
    windows: list[LossWindow] = []
    for outcome in outcomes:
        operation = outcome.operation
        if operation.verb not in {"down", "stop"} or not names & set(operation.targets) or outcome.skipped:
            continue
        since = math.floor(outcome.started * 10 - number / 40) / 10 + number / 400
        first, lost = since + 0.1, max(1, round(AWAY[operation.step] * 10))
        if first < outcome.started + AWAY[operation.step] and (not windows or (windows[-1].end or 0) < first):
            windows.append(LossWindow(first, first + lost * 0.1 + 0.0002, lost, since))
    return windows


def _values(at: int, seconds: float, stream: Stream) -> dict[str, float]:
    """Return a sample: two cores, busy during operations."""
    noise = stream.random(8).tolist()
    load = (
        (0.42 + 0.1 * math.sin(at / 17) + 0.05 * noise[0])
        if EDGE < at < seconds - EDGE
        else 0.03 + 0.01 * noise[0]
    )
    load = 0.93 if 140 < at < 150 else load
    values = {
        "host.cpu.user": load * 0.35, "host.cpu.system": load * 0.45, "host.cpu.softirq": load * 0.15,
        "host.cpu.nice": 0.0, "host.cpu.irq": 0.0, "host.cpu.steal": 0.0, "host.cpu.iowait": load * 0.05,
        "host.cpu.idle": 1 - load, "host.cpu.busy": load * 0.95,
        "host.cpu.core0": min(load * 1.1, 1.0), "host.cpu.core1": load * 0.8,
        "host.interrupts": 900 + 8000 * load, "host.context_switches": 2000 + 21000 * load + 900 * noise[1],
        "host.softirqs.net_rx": 4e4 * load * (1 + noise[2] / 5), "host.softirqs.timer": 250 + 40 * noise[3],
        "host.softirqs.total": 5e4 * load, "host.softnet.processed": 4.1e4 * load,
        "host.softnet.dropped": 0.0, "host.softnet.squeezed": 3.0 if 140 < at < 150 else 0.0,
        "host.pressure.cpu.some": max(0.0, load - 0.4), "process.runner.cpu": load * 0.9,
        "port.h1-eth0.rx_bytes": 3900 * (0.9 + noise[4] / 5),
        "port.h1-eth0.tx_bytes": 4100 * (0.9 + noise[5] / 5),
    }  # fmt: skip
    gauges = {
        "host.load.1": 2 * load + 0.1 * noise[6], "host.load.5": 0.9, "host.load.15": 0.5,
        "host.memory.used": 2.1e9 + at * 1.2e4 + 2e6 * noise[7], "host.memory.available": 6.4e9,
        "host.memory.cached": 1.4e9, "host.memory.slab": 4e8 + 1e6 * (at % 13), "host.sockets": 310.0,
        "host.sockets.tcp": 12.0, "host.namespaces": 75.0, "host.interfaces": 150.0,
        "host.processes.running": float(1 + (noise[0] > 0.5)), "host.processes.blocked": 0.0,
        "process.runner.rss": 9.1e7, "process.runner.fds": 210.0,
    }  # fmt: skip
    return gauges | (values if at else {})
