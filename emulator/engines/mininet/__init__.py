"""The Mininet engine: the real Mininet, by its public API, inside the network's own namespaces.

Mininet runs in a separate program (`driver/`), under the Python that it is installed for. The network's
namespace store pins Mininet's namespaces: commands, pings and captures enter them directly.
"""

from emulator.engines.mininet.engine import MininetEngine
from emulator.engines.mininet.network import MininetNetwork

__all__ = ["MininetEngine", "MininetNetwork"]
