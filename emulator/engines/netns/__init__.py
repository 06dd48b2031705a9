"""The netns engine: every node a network namespace, made by batched rtnetlink, no process per node."""

from emulator.engines.netns.engine import NetnsEngine
from emulator.engines.netns.network import NetnsNetwork
from emulator.engines.removal import take_down

__all__ = ["NetnsEngine", "NetnsNetwork", "take_down"]
