"""Turn a `Topology` into a running network: plan, engines, the command line, and the interface for scripts.

Scripts call `load`, `up` and `attach` (docs/python.md). What they need is imported at the first call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from emulator.version import __version__

if TYPE_CHECKING:
    from emulator.interface.network import Network
    from topologies.given import Describes, Description

__all__ = ["__version__", "attach", "load", "up"]


def load(network: Describes) -> Description:
    """Return the description of a network: `.topology` is its graph.

    `network` is the path of a topology file, a dict like one, a networkx graph, or a `Topology`. In a dict,
    `topology` may be a networkx graph. Raises InputError with all problems.
    """
    from topologies.given import describe

    return describe(network)


def up(
    network: Describes, *, engine: str | None = None, options: Mapping[str, Any] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Network:  # fmt: skip
    """Start a network, or change it if it is up; return its handle, which is a context manager.

    `network` is what `load` takes or returns. `engine` and its `options` win over the file's. `tell` gets
    lines for people about what a killed stress run had left. Raises InputError for what is described wrongly,
    RefusedError and UnableError for what can't be done here, before anything is made; other subclasses of
    `emulator.errors.EmulationError` for what fails, and then nothing new is left.
    """
    from emulator.interface.network import up_network
    from emulator.interface.starting import Watch
    from emulator.interface.values import function_of

    watch = Watch() if tell is None else Watch(tell=function_of(tell, "tell"))
    return up_network(network, engine, options, watch)


def attach(name: str) -> Network:
    """Return the handle of the running network `name`; UsageError if it isn't up."""
    from emulator.interface.network import attached

    return attached(name)
