"""Run a schedule on a network.

`conductor` holds the order of a run. `work_distribution` divides the operations among workers; a
`worker` carries them out and records them in `columns`; `worker_context` is what actions act with, and
`shared_state` knows what is removed at the moment. `observers` run probes and samples,
`collect_results` gathers the results, `validity` warns where figures are unreliable, and `run_status`
is what a live view shows.
"""

from stress.runner.conductor import run
from stress.runner.run_status import Look, RunStatus

__all__ = ["Look", "RunStatus", "run"]
