"""A worker of a cluster in each job of a batch system; `oar.py` and `slurm.py` name the system.

dask-jobqueue knows how jobs are described, submitted and deleted. Its own jobs run `dask worker`; ours run
`emulator workers worker`, of the scheduler that `emulator workers scheduler` runs on the front end.
"""

from __future__ import annotations

import argparse
import asyncio
import shlex
from pathlib import Path
from typing import Any

from dask_jobqueue.core import Job


def arguments(about: str) -> argparse.ArgumentParser:
    """Return the options that both systems have."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--scheduler", required=True, metavar="tls://HOST:PORT")
    parser.add_argument(
        "--python", required=True, type=Path, help="the Python that has the emulator on the nodes"
    )
    parser.add_argument("--certificates", required=True, type=Path, help="folder that the nodes can read")
    parser.add_argument("--workers", type=int, default=2, help="number of jobs, a node each")
    parser.add_argument("--walltime", default="01:00:00")
    parser.add_argument("--submit", action="store_true", help="submit the jobs; otherwise one is shown")
    return parser


def settings(given: argparse.Namespace) -> dict[str, Any]:
    """Return what all classes of dask-jobqueue take. They want cores and memory; jobs have whole nodes."""
    return {
        "scheduler": given.scheduler, "cores": 1, "memory": "1GiB", "walltime": given.walltime,
        "job_name": "emulator", "shebang": "#!/bin/bash", "worker_extra_args": [],
    }  # fmt: skip


def with_our_worker(job: Job, given: argparse.Namespace, *, root: str = "") -> Job:
    """Let a job run our worker; `root` is a command that lets the job's user become root by `sudo`.

    The certificates are copied to the node's own disk: root may read no files of users on a network's disk.
    dask-jobqueue has no other place for a worker of one's own than these two attributes.

    The worker ends when its scheduler does, and is started again until the job is told to end. Then the
    networks of the node are removed: a batch system ends processes, but not what mounts keep.
    """
    python, certificates = shlex.quote(str(given.python)), shlex.quote(str(given.certificates))
    copied = " ".join(f"{certificates}/{name}" for name in ("ca.pem", "worker.pem", "worker.key"))
    worker = f"sudo -n {python} -P -m emulator workers worker --scheduler {shlex.quote(given.scheduler)}"
    job._job_script_prologue = []
    job._command_template = "\n".join((
        *([root] if root else []),
        'own=$(mktemp -d) && chmod 700 "$own" || exit 1',
        f'cp {copied} "$own" || exit 1',
        "finish() {",
        '    trap "" TERM INT',
        "    trap - EXIT",
        '    if [ "$runs" = yes ]; then # before `setsid` has begun, it is no group of its own yet',
        '        sudo -n kill -- "-$!" 2>/dev/null || kill "$!" 2>/dev/null',
        '        wait "$!"',
        "    fi",
        f"    sudo -n {python} -P -m emulator down --all",
        '    rm -rf -- "$own"',
        "    exit 0",
        "}",
        "runs=no",
        "trap finish TERM INT EXIT",
        "while true; do",
        "    runs=yes",
        f'    setsid {worker} --certificates "$own" &',
        '    wait "$!"',
        "    runs=no",
        "    sleep 1",
        "done",
    ))  # fmt: skip
    return job


async def submit(jobs: list[Job]) -> None:
    """Submit jobs; they go on when this program has ended."""
    for job in jobs:
        await job.start()
        print(f"job {job.job_id}")


def run(jobs: list[Job], given: argparse.Namespace) -> None:
    """Show the first job, or submit all."""
    if given.submit:
        asyncio.run(submit(jobs))
    else:
        print(jobs[0].job_script())
