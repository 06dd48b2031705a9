"""Stand-in for the package `mininet`, sufficient for files to load and build their graph.

It is written from Mininet's documented interface (mininet.org/api, version 2.3), so that graphs can be
imported from Mininet files where Mininet isn't installed. It uses the standard library only and nothing
of this project: the child process loads it by its path. Names that aren't here (node, link and controller
classes, helpers) are made on demand, as classes that record or accept anything and functions that do
nothing. Nothing is started: mininet_nodes.py and mininet_network.py record what a script builds.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from types import ModuleType
from typing import Any


def _custom(cls: Any, **params: Any) -> Any:
    return functools.partial(cls, **params)


def _special(cls: Any, *_: Any, defaults: dict[str, Any] | None = None, **__: Any) -> Any:
    return functools.partial(cls, **defaults) if defaults else cls


_graphs = import_module("mininet_topo")  # the child has put the folder of this file in the path
_nodes = import_module("mininet_nodes")
_network = import_module("mininet_network")
nothing = _nodes.nothing


class Anything(_nodes.Permissive):  # type: ignore[misc, name-defined]
    """Class of Mininet that a topology file may name, subclass or construct; it does nothing."""

    def __init__(self, *args: Any, **params: Any) -> None:
        del args, params


def _quiet_run(words: Any = "", *_: Any, **__: Any) -> str:
    """Answer a command that wasn't run: an interface of the machine is there, without an address."""
    told = (words if isinstance(words, str) else " ".join(map(str, words))).split()
    return f"{told[1]}: there\n" if told[:1] == ["ifconfig"] and len(told) > 1 else ""


def _nothing_run(*_: Any, **__: Any) -> tuple[str, str, int]:
    return "", "", 0


KNOWN: dict[str, dict[str, Any]] = {
    "mininet": {"VERSION": "2.3.0"},
    "mininet.topo": vars(_graphs),
    "mininet.topolib": {**vars(_graphs), "TreeNet": _network.tree_net, "TorusNet": _network.torus_net},
    "mininet.net": {
        "Mininet": _network.Mininet,
        "MininetWithControlNet": _network.Mininet,
        "VERSION": "2.3.0",
    },
    "mininet.nodelib": {"NAT": _network.NAT},
    "mininet.log": {"lg": Anything()},
    "mininet.cli": {"CLI": _network.CommandLine},
    "mininet.util": {
        "irange": _graphs.irange,
        "natural": _graphs.natural,
        "naturalSeq": _graphs.natural_seq,
        "custom": _custom,
        "specialClass": _special,
        "quietRun": _quiet_run,
        "errRun": _nothing_run,
    },
}
"""Names that have to work, by module."""

_ENDINGS = {
    "Switch": _nodes.Switch,
    "Bridge": _nodes.Switch,
    "Controller": _nodes.Controller,
    "Host": _nodes.Node,
    "Node": _nodes.Node,
    "Link": _nodes.Link,
    "Intf": _nodes.Intf,
}
"""Classes of Mininet by the end of their names: OVSSwitch, RemoteController, CPULimitedHost, TCLink, …."""


def _made_up(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if not name[:1].isupper():
        return nothing
    base = next((cls for ending, cls in _ENDINGS.items() if name.endswith(ending)), Anything)
    return type(name, (base,), {"__module__": "mininet"})


class Finder(MetaPathFinder, Loader):
    """Import hook that answers every `import mininet…` with a stand-in."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of any module below `mininet`."""
        del path, target
        if fullname.partition(".")[0] != "mininet":
            return None
        if fullname.startswith("mininet.examples."):  # a file beside it, as in Mininet's own folder
            beside = PathFinder.find_spec(fullname.rpartition(".")[2], sys.path[:1])
            if beside is not None and beside.origin:
                return spec_from_file_location(fullname, beside.origin)
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module that has the known names and makes the others on demand."""
        module = ModuleType(spec.name)
        made: dict[str, Any] = {}
        module.__getattr__ = lambda name: made.setdefault(name, _made_up(name))  # type: ignore[method-assign]
        known = KNOWN.get(spec.name, {})
        module.__dict__.update({name: value for name, value in known.items() if name[:1] != "_"})
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module is complete."""


def install() -> Callable[[], None]:
    """Put the stand-in before any installed Mininet; return a function that removes it."""
    finder = Finder()
    hidden = {
        name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "mininet"
    }
    sys.meta_path.insert(0, finder)

    def remove() -> None:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.partition(".")[0] == "mininet"]:
            del sys.modules[name]
        sys.modules.update(hidden)

    return remove
