"""Stand-in for the package `mininet`, sufficient for files with `Topo` subclasses to load and build.

It is written from Mininet's documented interface (mininet.org/api, version 2.3), so that graphs can be
imported from Mininet files where Mininet isn't installed. It uses the standard library only and nothing
of this project: the child process loads it by its path. Names that aren't here (node, link and controller
classes, helpers) are made on demand, as classes that accept anything and functions that do nothing:
a topology file names them but doesn't need them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class StandInError(Exception):
    """The file uses something that only the real Mininet has."""


class Anything:
    """Class of Mininet that a topology file may name, subclass or construct; it does nothing."""

    def __init__(self, *args: Any, **params: Any) -> None:
        del args, params

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return nothing


def nothing(*args: Any, **params: Any) -> None:
    """Do nothing, in place of a function that a topology file may call."""
    del args, params


class Mininet(Anything):
    """Network class that refuses to start: only the topology is read."""

    def __init__(self, *args: Any, **params: Any) -> None:
        del args, params
        raise StandInError("starts a network when it is loaded; put that under `if __name__ == '__main__':`")


def _network(*args: Any, **params: Any) -> None:
    Mininet(*args, **params)


def _custom(cls: Any, **_: Any) -> Any:
    return cls


_graphs = import_module("mininet_topo")  # the child has put the folder of this file in the path
KNOWN: dict[str, dict[str, Any]] = {
    "mininet": {"VERSION": "2.3.0"},
    "mininet.topo": vars(_graphs),
    "mininet.topolib": {**vars(_graphs), "TreeNet": _network, "TorusNet": _network},
    "mininet.net": {"Mininet": Mininet, "MininetWithControlNet": Mininet, "VERSION": "2.3.0"},
    "mininet.util": {
        "irange": _graphs.irange,
        "natural": _graphs.natural,
        "naturalSeq": _graphs.natural_seq,
        "custom": _custom,
        "specialClass": _custom,
    },
}
"""Names that have to work, by module."""


def _made_up(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (Anything,), {"__module__": "mininet"}) if name[:1].isupper() else nothing


class Finder(MetaPathFinder, Loader):
    """Import hook that answers every `import mininet…` with a stand-in."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of any module below `mininet`."""
        del path, target
        if fullname.partition(".")[0] != "mininet":
            return None
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
