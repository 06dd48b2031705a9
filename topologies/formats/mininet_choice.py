"""Run a Mininet file and choose what it offers: a `Topo`, or the network that it builds as a script.

Part of mininet_child.py. Standard library only: the child process loads this by its path.
"""

from __future__ import annotations

import functools
import inspect
import linecache
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

_script = import_module("mininet_script")  # the child has put the folder of this file in the path


class NoTopologyError(Exception):
    """The file has no such topology; the message is for the user."""


@contextmanager
def beside_first(folder: Path, at_start: frozenset[str]) -> Iterator[None]:
    """Let modules in `folder` be found before all others, as Python does for a _script.

    Modules that this process has loaded are hidden if the folder has one of their name; `at_start`, those
    that Python loads at its start, stay, as they do for Python.
    """
    own: set[str] = set()
    with suppress(OSError):  # a folder that its user may not list
        own |= {path.stem for path in folder.glob("*.py")}
        own |= {path.parent.name for path in folder.glob("*/__init__.py")}
    hidden = {
        name: module
        for name, module in sys.modules.items()
        if name.partition(".")[0] in own and name not in at_start
    }
    for name in hidden:
        del sys.modules[name]
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        sys.modules.update(hidden)


def _executed(request: dict[str, Any], source: str, name: str) -> ModuleType:
    """Run the file as a module of the name `name`."""
    path = request["path"]
    linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
    module = ModuleType(name)
    module.__file__ = path
    sys.modules[name] = module
    sys.argv = [path, *map(str, request["args"])]
    exec(compile(source, path, "exec"), module.__dict__)  # noqa: S102 -- running it is the purpose
    return module


def built(request: dict[str, Any], source: str, topo: type) -> dict[str, Any]:
    """Run the file and return the answer: of a `Topo`, else of the network that it builds as a _script."""
    modules: list[ModuleType] = []
    wanted = request["topo"]
    notes = _script.recorded(lambda: modules.append(_executed(request, source, "mininet_topology_file")))
    if _script.made_any():
        return {**_script.answer(_plain), "notes": notes}
    offered = _offered(modules[0], topo) if modules else ({}, [])
    if wanted in offered[0] or (offered[0] and wanted is None):
        try:
            return _answer(_chosen(offered, request, topo))
        except TypeError as error:  # its parameters are in what the script does
            if wanted or request["args"] or request["kwargs"] or "required" not in str(error):
                raise
            missing: NoTopologyError | None = NoTopologyError(
                f"raises TypeError: {error}; give it under `args:`"
            )
    else:
        missing = None
    if wanted not in (None, "__main__"):
        function = getattr(modules[0], wanted, None) if modules else None
        if not callable(function):
            raise NoTopologyError(
                f"has no topology `{wanted}`; use one of: {', '.join(offered[0]) or 'none'}"
            )
        notes = _script.recorded(functools.partial(function, *request["args"], **request["kwargs"]))
    else:
        try:
            notes = _script.recorded(lambda: _executed(request, source, "__main__"))
        except Exception as error:
            raise missing or error from error
    if not _script.made_any():
        raise missing or NoTopologyError(
            "has neither a `topos` dictionary nor a subclass of Topo, and makes no network as a script"
        )
    return {**_script.answer(_plain), "notes": notes}


def _offered(module: ModuleType, topo: type) -> tuple[dict[str, Any], list[str]]:
    """Return the topologies of the file by name, and the names that it offers without being asked."""
    offered: dict[str, Any] = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, topo) and value.__module__ == module.__name__
    }
    topos = getattr(module, "topos", None)
    if not isinstance(topos, dict):
        return offered, list(offered)
    named = {str(name): value for name, value in topos.items()}
    classes = [value for value in offered.values() if value not in named.values()]
    return {**{cls.__name__: cls for cls in classes}, **named}, list(named)


def _chosen(offered: tuple[dict[str, Any], list[str]], request: dict[str, Any], topo: type) -> Any:
    """Return the `Topo` object of the request."""
    found, several = offered
    wanted = request["topo"]
    if wanted is None:
        if len(several) != 1:
            raise NoTopologyError(f"has several topologies; add `topo:`, one of: {', '.join(several)}")
        wanted = several[0]
    made = found[wanted]
    if not isinstance(made, topo):
        made = made(*request["args"], **request["kwargs"])
    if not isinstance(made, topo):
        raise NoTopologyError(f"`{wanted}` makes a {type(made).__name__}, not a Topo")
    return made


def _plain(value: Any) -> Any:
    """Return `value` in a form that JSON can hold; classes and other objects become their name."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    target = getattr(value, "func", value)  # functools.partial(cls, …)
    out = {"class": getattr(target, "__name__", type(value).__name__)}
    params = getattr(value, "keywords", None)
    return {**out, "params": _plain(params)} if isinstance(params, dict) and params else out


def _answer(topology: Any) -> dict[str, Any]:
    graph = topology.g
    return {
        "nodes": [[str(name), _plain(options)] for name, options in graph.node.items()],
        "links": [_plain({**info, "node1": a, "node2": b}) for a, b, _, info in graph.links],
    }
