"""A scheduler and workers on loopback for tests, each a process of its own, without root."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from emulator.carriers.opening import open_carrier
from emulator.carriers.protocol import Carrier

TESTS = Path(__file__).parents[1]
_RUN = """
import sys
from pathlib import Path
from emulator.carriers.addresses import parse_address
from emulator.carriers.certificates import Certificates
from emulator.carriers.dask.start import Listening, run_scheduler, run_worker
role, address, folder, name, place = sys.argv[1:]
listening = Listening(parse_address(address), Certificates(Path(folder), role) if folder else None)
if role == "scheduler":
    run_scheduler(listening)
else:
    run_worker(listening, name, "127.0.0.1", 0, Path(place))
"""


def free_port() -> int:
    """Return a port that no outgoing connection gets: a process that starts again finds it free."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for port in random.sample(range(10_000, first), 100):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise AssertionError("no port is free")


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until `condition()` holds; fail the test if it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


class DaskCluster:
    """The processes of one cluster; `certificates` is None for one without TLS."""

    def __init__(self, place: Path, certificates: Path | None, names: tuple[str, ...] = ("w1", "w2")) -> None:
        self.place = place
        self.certificates = certificates
        self.names = names
        self.address = f"{'tls' if certificates else 'tcp'}://127.0.0.1:{free_port()}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, role: str, name: str = "") -> subprocess.Popen[bytes]:
        words = [role, self.address, str(self.certificates or ""), name, str(self.place / f"dask-{name}")]
        with (self.place / f"{name or role}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _RUN, *words], stderr=log, stdout=log,
                env=os.environ | {"PYTHONPATH": str(TESTS)},
            )  # fmt: skip
        self.processes[name or role] = process
        return process

    def open(self) -> Carrier:
        return open_carrier(self.address, self.certificates)

    def wait_for(self, *names: str) -> None:
        """Wait until exactly these workers are there."""

        def are_there() -> bool:
            try:
                with self.open() as carrier:
                    return sorted(carrier.workers()) == sorted(names)
            except Exception as error:  # noqa: BLE001 -- not yet
                sys.stderr.write(f"{error}\n")
                return False

        until(are_there)

    def __enter__(self) -> Self:
        self.start("scheduler")
        for name in self.names:
            self.start("worker", name)
        self.wait_for(*self.names)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                pytest.fail("a process of Dask didn't end at SIGTERM")
