"""The MaxiNet engine: the real MaxiNet, by its public API, on the workers that the file names."""

from emulator.engines.maxinet.engine import MaxinetEngine

__all__ = ["MaxinetEngine"]
