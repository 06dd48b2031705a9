"""Run a schedule on a network.

`conductor` holds the order of a run. `work_distribution` divides the operations among workers; a
`worker` carries them out and records them in `columns`. Actions act through `worker_context`, and
`shared_state` knows the elements that are removed at the moment. `observers` run probes and samples,
`collect_results` gathers the results, `validity` warns where figures are unreliable, and `run_status`
holds the data of a live view.
"""

from stress.runner.conductor import run
from stress.runner.run_status import Look, RunStatus

__all__ = ["Look", "RunStatus", "run"]
