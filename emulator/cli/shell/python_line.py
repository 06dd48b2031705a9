"""`py`: a line of Python about the network, with the few names that Mininet's users type from habit."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from emulator.interface.network import Network as Handle
from emulator.interface.node import Node


class _Node:
    """A node of the interface for scripts, and Mininet's names for what it has."""

    def __init__(self, node: Node) -> None:
        self._node = node

    def __getattr__(self, name: str) -> Any:
        return getattr(self._node, name)

    def __dir__(self) -> list[str]:
        return [*dir(self._node), "IP", "MAC", "cmd"]

    def __repr__(self) -> str:
        return repr(self._node)

    def IP(self) -> str:  # noqa: N802 -- as Mininet calls it
        """Return the first address."""
        return self._node.address

    def MAC(self) -> str:  # noqa: N802
        """Return the MAC of the first interface."""
        return self._node.interfaces[0].mac

    def cmd(self, line: str) -> str:
        """Run a line and return what it printed."""
        result = self._node.run(line)
        return result.output + result.errors


class _Names(Mapping[str, Any]):
    """Names of a line: `net`, and the nodes."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    def __getitem__(self, name: str) -> Any:
        if name == "net":
            return self._handle
        if name in self._handle:
            return _Node(self._handle[name])
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


def run_python(text: str, handle: Handle, known: dict[str, Any]) -> int:
    """Evaluate an expression and print its value, or run a statement; variables stay in `known`."""
    variables = _Variables(known, _Names(handle))
    try:
        try:
            code = compile(text, "<line>", "eval")
        except SyntaxError:
            exec(compile(text, "<line>", "exec"), {}, variables)  # noqa: S102 -- the user's own line
        else:
            value = eval(code, {}, variables)  # noqa: S307
            if value is not None:
                print(value)
    except Exception as error:  # noqa: BLE001 -- whatever the user's line raises
        print("".join(traceback.format_exception_only(error)), end="")
        return 1
    finally:
        known.update(variables)
    return 0
