"""`py`: a line of Python about the network, with the few names that Mininet's users type from habit."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.cli.shell.mininet_names import NamedNetwork, NamedNode
from emulator.interface.network import Network as Handle


class _Names(Mapping[str, Any]):
    """Names of a line: `net`, and the nodes."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def __getitem__(self, name: str) -> Any:
        if name == "net":
            return NamedNetwork(self._handle)
        if name in self._handle:
            return NamedNode(self._handle[name])
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        yield "net"
        yield from self._handle.topology.names

    def __len__(self) -> int:
        return 1 + len(self._handle)


class _Variables(dict[str, Any]):
    """Variables of a line: those of earlier lines first, then the network's names."""

    def __init__(self, known: dict[str, Any], names: _Names) -> None:
        super().__init__(known)
        self._names = names

    def __missing__(self, name: str) -> Any:
        return self._names[name]

    def __repr__(self) -> str:
        """Return what `locals()` prints: the network's names, and the variables."""
        own = {name: value for name, value in self.items() if name != "__builtins__"}
        return repr({**self._names, **own})


def run_python(text: str, handle: Handle, known: dict[str, Any]) -> int:
    """Evaluate an expression and print its value, or run a statement; variables stay in `known`."""
    # as globals, too: that is where the inner scopes of a line look names up (comprehensions, lambdas)
    variables = _Variables(known, _Names(handle))
    try:
        try:
            code = compile(text, "<line>", "eval")
        except SyntaxError:
            exec(compile(text, "<line>", "exec"), variables, variables)  # noqa: S102 -- the user's own line
        else:
            value = eval(code, variables, variables)  # noqa: S307
            if value is not None:
                print(value)
    except Exception as error:  # noqa: BLE001 -- whatever the user's line raises
        print("".join(traceback.format_exception_only(error)), end="")
        return 1
    finally:
        variables.pop("__builtins__", None)
        known.update(variables)
    return 0
