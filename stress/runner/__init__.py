"""Run a schedule on a network: workers, what watches them, and what is found.

`conductor` holds the order of a run; `worker` does the operations and notes them in `columns`, `hands`
are what actions act with, `shared` is what is away, `sharing` says which worker does what; `observers`
are probes and samples, `aftermath` is what was found, `truth` says whether figures may be trusted.
"""

from stress.runner.conductor import run
from stress.runner.watch import Look, Watch

__all__ = ["Look", "Watch", "run"]
