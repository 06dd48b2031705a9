"""Workers of a real carrier on this computer that make nothing: a scheduler and many workers on loopback.

Each worker cuts its share of a plan, and computes all netlink messages if it is told to, in a process of its
own, as `up` does, and tells its processor time and memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator.carriers.opening import open_carrier
from emulator.carriers.protocol import Answer, Carrier, RunningCall
from emulator.errors import EmulationError

PORT = 18786
_HERE = Path(__file__).resolve().parent
_START_SECONDS, _AT_ONCE = 100.0, 4
_EMULATOR = (sys.executable, "-m", "emulator", "workers")


def memory_mib(process: int | str, key: str = "VmHWM") -> float:
    """Return a figure of a process's memory in MiB (proc_pid_status(5)), by default its peak."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{key}:"))


def share(call: RunningCall, arguments: Mapping[str, Any], data: bytes) -> Answer:
    """Unpack the plan and cut the share; with `messages`, compute all of its messages, too."""
    del call
    from emulator.packed_plan import unpack

    used = time.process_time()
    plan = replace(unpack(data), engine="netns", share=int(arguments["share"]))
    nodes, size = len(plan.here.nodes), 0
    if arguments["messages"]:
        from part_of_plan import write_messages

        size = write_messages(plan.here)
    return Answer({
        "nodes": nodes, "bytes": size, "processor_s": time.process_time() - used,
        "mib": memory_mib("self"),
    })  # fmt: skip


@contextmanager
def workers(count: int) -> Iterator[tuple[Carrier, dict[str, int]]]:
    """Start a scheduler and `count` workers; yield a carrier to them and their process ids by name."""
    path = os.pathsep.join((str(_HERE), str(_HERE.parent)))
    environment = os.environ | {"PYTHONPATH": path, "EMULATOR_STATE_DIR": "/run/emulator-dry-workers"}
    address = f"tcp://127.0.0.1:{PORT}"
    with ExitStack() as stack:

        def start(*words: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [*_EMULATOR, *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.callback(_ended, process)
            return process

        start("scheduler", "--port", str(PORT))
        carrier = stack.enter_context(_opened(address))
        ids: dict[str, int] = {}
        while (
            len(ids) < count
        ):  # a few at a time: each takes seconds of a processor, and has a limit to connect
            for number in range(len(ids) + 1, min(count, len(ids) + _AT_ONCE) + 1):
                words = ("worker", "--scheduler", address, "--name", f"d{number}", "--port", "0")
                ids[f"d{number}"] = start(*words).pid
            _await(lambda: carrier.workers().keys() >= ids.keys())
        yield carrier, ids


def _opened(address: str) -> Carrier:
    """Return a carrier, once the scheduler listens."""
    found: list[Carrier] = []

    def opened() -> bool:
        with suppress(EmulationError):
            found.append(open_carrier(address, None))
        return bool(found)

    _await(opened)
    return found[0]


def _await(is_true: Callable[[], bool]) -> None:
    until = time.monotonic() + _START_SECONDS
    while not is_true():
        if time.monotonic() > until:
            raise SystemExit("a scheduler or workers don't start")
        time.sleep(0.2)


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
