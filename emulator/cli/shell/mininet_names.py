"""The network and its nodes for `py`: the interface for scripts, and Mininet's names for what it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.interface.network import Network as Handle
from emulator.interface.node import Node
from topologies.topology import Kind


class _Named:
    """What `of` has, and the names of a subclass."""

    def __init__(self, of: Any, what: str) -> None:
        self._of = of
        self._what = what

    def __getattr__(self, name: str) -> Any:
        if not hasattr(self._of, name):
            raise AttributeError(f"a {self._what} has no `{name}`; it has {', '.join(dir(self))}")
        return getattr(self._of, name)

    def __dir__(self) -> list[str]:
        known = {*dir(self._of), *dir(type(self))}
        return sorted(name for name in known if not name.startswith("_"))

    def __repr__(self) -> str:
        return repr(self._of)


class NamedNode(_Named):
    """A node."""

    def __init__(self, node: Node) -> None:
        super().__init__(node, "node")

    def IP(self) -> str:  # noqa: N802 -- as Mininet calls it
        """Return the first address."""
        return str(self._of.address)

    def MAC(self) -> str:  # noqa: N802
        """Return the MAC of the first interface."""
        return str(self._of.interfaces[0].mac)

    def cmd(self, line: str) -> str:
        """Run a line and return what it printed."""
        result = self._of.run(line)
        return str(result.output + result.errors)

    def intfNames(self) -> list[str]:  # noqa: N802
        """Return the names of the interfaces."""
        return [one.name for one in self._of.interfaces]


class NamedNetwork(_Named):
    """A network; its nodes are `NamedNode`s."""

    def __init__(self, handle: Handle) -> None:
        super().__init__(handle, "network")

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[NamedNode]:
        return (NamedNode(node) for node in self._of)

    def __contains__(self, name: object) -> bool:
        return name in self._of

    def __getitem__(self, name: str) -> NamedNode:
        return NamedNode(self._of[name])

    def get(self, *names: str) -> Any:
        """Return the node called so, or a list of several."""
        found = [self[name] for name in names]
        return found[0] if len(found) == 1 else found

    def keys(self) -> list[str]:
        """Return the names of all nodes."""
        return list(self._of.topology.names)

    @property
    def hosts(self) -> list[NamedNode]:
        """All hosts."""
        return self._all_of(Kind.HOST)

    @property
    def switches(self) -> list[NamedNode]:
        """All switches."""
        return self._all_of(Kind.SWITCH)

    def _all_of(self, kind: Kind) -> list[NamedNode]:
        return [node for node in self if node.kind == kind.word]

    def pingAll(self) -> float:  # noqa: N802
        """Ping between all hosts; return the percentage that got no answer."""
        found = self._of.check()
        return 100.0 * (found.pairs - found.reachable) / found.pairs if found.pairs else 0.0
