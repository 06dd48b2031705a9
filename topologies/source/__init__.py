"""YAML files as they stand: `read` gives data in which every value's line and column can be asked for.

`file` reads, `values` makes data of libyaml's events, `scalars` says what a bare word means, `syntax` says
errors in words. What the data means is the business of `topologies.spec` and `stress.scenario`.
"""

from topologies.source.file import Source, parse, read

__all__ = ["Source", "parse", "read"]
