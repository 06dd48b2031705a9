"""`emulator workers status`: the workers of a cluster, and their networks."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulator.cli.options import json_option
from emulator.cli.output import answer, print_json, say
from emulator.cli.workers.options import certificates_option, insecure_option, scheduler_option

if TYPE_CHECKING:
    from emulator.carriers.protocol import Carrier, WorkerState

_ASK_SECONDS = 10.0
_SOON_DAYS = 14.0


_EPILOG = """\b
Examples:
  emulator workers status
  emulator workers status hosts.yaml
  emulator workers status --json"""


@click.command("status", epilog=_EPILOG)
@click.argument("file", metavar="[HOSTS.yaml]", required=False, type=click.Path(path_type=Path))
@scheduler_option
@certificates_option("client")
@insecure_option
@json_option()
def command(
    file: Path | None, scheduler: str | None, certificates: Path | None, *, insecure: bool, as_json: bool
) -> int:
    """Show the workers of a cluster: release, memory, last sign of life, certificate, networks.

    With HOSTS.yaml the cluster that `workers start` made of it. Without it and --scheduler that of the
    environment, or the workers on this computer. The exit code is 1 if a worker doesn't answer, has another
    release or an expired certificate.
    """
    from emulator.carriers.opening import open_carrier

    if file is not None:
        from emulator.carriers.ssh.hosts import load_hosts

        hosts = load_hosts(file)
        scheduler, certificates = str(hosts.address), hosts.certificates

    _ensure_readable(scheduler)
    with open_carrier(scheduler, certificates, insecure=insecure) as carrier:
        workers = carrier.workers()
        networks = _networks(carrier, workers)
        rows = [_row(worker, networks[worker.name]) for worker in workers.values()]
        problems = [*_lacking(carrier, workers), *(f"{r['name']}: {p}" for r in rows for p in r["problems"])]
        _show(carrier.address, rows)
        if as_json:
            print_json({"scheduler": carrier.address, "workers": rows, "problems": problems})
    for problem in problems:
        answer(problem)
    return 1 if problems else 0


def _ensure_readable(scheduler: str | None) -> None:
    """Run as root if the cluster is this computer's: root's folder holds its certificates."""
    from emulator.carriers.addresses import SCHEDULER_VARIABLE
    from emulator.cli.elevate import ensure_root
    from emulator.state import state_root

    if scheduler is None and not os.environ.get(SCHEDULER_VARIABLE):
        root = state_root()
        if root.exists() and not os.access(root, os.R_OK | os.X_OK):
            ensure_root()


def _networks(carrier: Carrier, workers: Mapping[str, WorkerState]) -> Mapping[str, list[str] | str]:
    """Return the networks of each worker, or why it doesn't tell."""
    from emulator.carriers.protocol import Call
    from emulator.carriers.worker_networks import ENTRY

    outcomes = carrier.call([Call(name, ENTRY) for name in workers], _ASK_SECONDS)
    return {o.worker: o.answer.value if o.answer is not None else str(o.error) for o in outcomes}


def _row(worker: WorkerState, networks: list[str] | str) -> dict[str, Any]:
    from emulator.carriers.certificates import day

    end, now = worker.certificate_end, time.time()
    problems = [networks] if isinstance(networks, str) else []
    if end is not None and end < now:
        problems.append(f"its certificate expired on {day(end)}; `emulator workers certs DIR` makes new ones")
    elif end is not None and end < now + _SOON_DAYS * 86_400:
        say(f"{worker.name}: its certificate expires on {day(end)}")
    return {
        "name": worker.name, "address": worker.address, "release": worker.release,
        "memory_bytes": worker.memory, "heard_seconds": round(worker.heard, 3), "certificate_end": end,
        "networks": [] if isinstance(networks, str) else networks, "problems": problems,
    }  # fmt: skip


def _lacking(carrier: Carrier, workers: Mapping[str, WorkerState]) -> list[str]:
    """Return what is wrong with this computer's workers, if the cluster is theirs."""
    from emulator.carriers.local.lifecycle import supervisor_runs
    from emulator.carriers.local.record import LocalPaths, read_record

    paths = LocalPaths.here()
    record = read_record(paths)
    if record is None or str(record.scheduler) != carrier.address:
        return [] if workers else ["no worker is connected to this scheduler"]
    again = f"`emulator workers local {record.count}` starts it again"
    lacking = [
        f"{name} isn't connected (its log: {paths.log(name)})"
        for name in record.workers
        if name not in workers
    ]
    return [*lacking, *([] if supervisor_runs(paths) else [f"the supervisor has ended; {again}"])]


def _show(address: str, rows: list[dict[str, Any]]) -> None:
    from emulator.carriers.certificates import day
    from topologies.counting import size_text

    head = ("WORKER", "ADDRESS", "RELEASE", "MEMORY", "HEARD", "CERTIFICATE UNTIL", "NETWORKS")
    lines = [head]
    for row in rows:
        end, memory = row["certificate_end"], row["memory_bytes"]
        lines.append(
            (
                row["name"],
                row["address"],
                row["release"] or "?",
                size_text(memory) if memory else "?",
                f"{row['heard_seconds']:.1f} s ago",
                "-" if end is None else day(end),
                ", ".join(row["networks"]) or "-",
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    answer(f"scheduler {address}")
    for line in lines:
        answer("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())
