"""The Distrinet engine: the real Distrinet, by its public API, on the workers that the file names."""

from emulator.engines.distrinet.engine import DistrinetEngine

__all__ = ["DistrinetEngine"]
