"""Workers on nodes of a SLURM cluster whose users may become root by sudo: a job a node.

python slurm.py --scheduler tls://10.0.0.1:8786 --python /opt/emulator/bin/python --certificates DIR
"""

from __future__ import annotations

from batch import arguments, run, settings, with_our_worker
from dask_jobqueue.slurm import SLURMJob


def main() -> None:
    """Show or submit the jobs."""
    parser = arguments("workers on nodes of a SLURM cluster")
    parser.add_argument("--partition")
    parser.add_argument("--account")
    given = parser.parse_args()
    own = {
        "queue": given.partition, "account": given.account, "job_cpu": 1,
        # A whole node; two minutes before its end the script is told, and removes what is left.
        "job_extra_directives": ["--exclusive", "--nodes=1", "--signal=B:TERM@120"],
        "job_directives_skip": ["--mem"],
    }  # fmt: skip
    jobs = [SLURMJob(name=f"worker{n}", **settings(given), **own) for n in range(1, given.workers + 1)]
    run([with_our_worker(job, given) for job in jobs], given)


if __name__ == "__main__":
    main()
