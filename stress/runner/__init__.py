"""Run a schedule on a network: workers, what watches them, and what is found.

`conductor` holds the order of a run; `worker` does the operations, `hands` are what actions act
with, `sharing` says which worker does what; `observers` are probes and samples, `truth` says whether
figures may be trusted.
"""

from stress.runner.conductor import run
from stress.runner.watch import Look, Watch

__all__ = ["Look", "Watch", "run"]
