"""A run record as a real run leaves one, made from a seed: for tests of reports."""

from __future__ import annotations

import math

from stress.records import (
    LeakCheck,
    LossWindow,
    Operation,
    Outcome,
    Phase,
    ProbeRecord,
    RunRecord,
    Sample,
)
from topologies.rng import Stream


def made_run(seconds: float = 120.0, operations: int = 5000, probes: int = 20) -> RunRecord:
    """Return a run of `operations` port flaps and switch restarts with samples every second."""
    stream = Stream(5, "made run")
    moments = sorted((stream.random(operations) * (seconds - 20) + 10).tolist())
    waits = (-stream.random(operations).clip(1e-9)).tolist()
    outcomes = []
    for number, (at, wait) in enumerate(zip(moments, waits, strict=True)):
        step = "restart" if number % 50 == 7 else "flap"
        verb = ("down", "up")[number % 2] if step == "flap" else "restart"
        operation = Operation(number, at, step, "port-flap" if step == "flap" else "switch-restart", verb,
                              (f"h{number % 64 + 1}-eth0",))  # fmt: skip
        late = 1e-5 + (0.004 if 55 < at < 60 else 0.0)
        took = (1e-4 if step == "flap" else 4e-3) * -math.log(-wait)
        error = "bring up h9-eth0: No such device" if number % 997 == 5 else ""
        outcomes.append(Outcome(operation, at + late, at + late + took, error))
    return RunRecord(
        scenario={"name": "port-churn", "seed": 5},
        network={"name": "dc", "engine": "netns", "nodes": {"host": 64, "switch": 9}, "links": 72,
                 "fidelity": {"full": 73}},
        machine={"kernel": "6.1.0", "cpu": "a </script><b>processor</b>", "cores": 2, "memory": 8 << 30},
        seed=5,
        began=1_700_000_000.0,
        phases=[
            Phase("warmup", 0.0, 10.0),
            Phase("steps", 10.0, seconds - 10),
            Phase("cooldown", seconds - 10, seconds),
        ],
        outcomes=outcomes,
        offered={"flap": operations - operations // 50, "restart": operations // 50},
        probes=[_probe(number, seconds) for number in range(probes)],
        samples=[Sample(float(at), _values(at)) for at in range(int(seconds))],
        sampler_cost=0.4,
        leaks=LeakCheck({"host.namespaces": (75.0, 75.0)}, []),
        restored=["h9-eth0"],
        doubts=["1.2% of the operations began more than 10 ms late"],
    )  # fmt: skip


def _probe(number: int, seconds: float) -> ProbeRecord:
    windows = [LossWindow(40.0 + number, 41.5 + number, 15)] if number % 4 == 0 else []
    windows += [LossWindow(seconds - 5, None, 50)] if number == 4 else []
    lost = sum(window.lost for window in windows)
    times = [(t / 2, 2e-4 + 1e-5 * (t % 7)) for t in range(int(seconds) * 2)]
    return ProbeRecord("ping", f"h{number + 1}", f"h{64 - number}", 1200, 1200 - lost, windows, times)


def _values(at: int) -> dict[str, float]:
    busy = 60 + 25 * math.sin(at / 9) if 10 < at < 110 else 4.0
    return {
        "host.cpu.user": busy * 0.4, "host.cpu.system": busy * 0.5, "host.cpu.softirq": busy * 0.1,
        "host.memory.used": 2.1e9 + at * 1e4, "host.memory.slab": 4e8 + 1e6 * (at % 13),
        "host.interfaces": 150.0, "host.namespaces": 75.0, "host.switches.context": 1e4 + 900 * (at % 5),
    }  # fmt: skip
