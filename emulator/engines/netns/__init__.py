"""The netns engine: every node a network namespace, made by batched rtnetlink, no process per node."""

from emulator.engines.netns.engine import NetnsEngine
from emulator.engines.netns.network import NetnsNetwork

__all__ = ["NetnsEngine", "NetnsNetwork"]
