"""The netns engine: every node is a network namespace, created by batched rtnetlink, not by processes."""

from emulator.engines.netns.engine import NetnsEngine
from emulator.engines.netns.network import NetnsNetwork

__all__ = ["NetnsEngine", "NetnsNetwork"]
