"""The Mininet engine: the real Mininet, by its public API, inside namespaces of the network's own.

Mininet runs in a program of its own (`driver/`), under the Python that it is installed for. What it
makes is pinned in the network's namespace store: commands, pings and captures go there directly.
"""

from emulator.engines.mininet.engine import MininetEngine
from emulator.engines.mininet.network import MininetNetwork

__all__ = ["MininetEngine", "MininetNetwork"]
