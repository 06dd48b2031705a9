"""YAML files: `read` returns data, and can tell the line and column of every value.

`file` reads, `values` builds data from libyaml's events, `scalars` resolves bare words, `syntax` explains
syntax errors. `topologies.spec` and `stress.scenario` give the data a meaning.
"""

from topologies.source.file import Source, parse, read

__all__ = ["Source", "parse", "read"]
