"""Workers on nodes of Grid'5000, by OAR: a job a node. Without --submit it shows the job.

python oar.py --scheduler tls://172.16.0.10:8786 --python ~/emulator/bin/python --certificates DIR
"""

from __future__ import annotations

from batch import arguments, run, settings, with_our_worker
from dask_jobqueue.oar import OARJob


def main() -> None:
    """Show or submit the jobs."""
    parser = arguments("workers on nodes of Grid'5000")
    parser.add_argument("--cluster", help="a cluster of the site, such as paravance")
    parser.add_argument("--project", help="the project that the jobs are counted for")
    given = parser.parse_args()
    # The first directive of several `-p` counts, so that memory isn't one here: jobs have whole nodes.
    own = {
        "resource_spec": "host=1", "project": given.project,
        "memory_per_core_property_name": "not_applicable",
        "job_extra_directives": ["--checkpoint 120 --signal 15"]
        + ([f"-p \"cluster='{given.cluster}'\""] if given.cluster else []),
    }  # fmt: skip
    jobs = [OARJob(name=f"worker{n}", **settings(given), **own) for n in range(1, given.workers + 1)]
    # sudo-g5k lets the user of a job become root on its node, which is installed anew after the job.
    run([with_our_worker(job, given, root="sudo-g5k true || exit 1") for job in jobs], given)


if __name__ == "__main__":
    main()
