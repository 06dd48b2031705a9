"""The cluster engine: the engine netns on many machines. A carrier brings plans and calls to the workers.

What runs is in the workers' kernels and records. This machine's record says which workers have a share, so
that `down` finds all of them after any kill. Functions on workers are named, not imported (`emulator.agent`).
"""

from emulator.engines.cluster.engine import ClusterEngine

__all__ = ["ClusterEngine"]
