"""`RestoringSession`: a session without anything of its own to open or to close."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from emulator.errors import UsageError
from topologies.topology import I64

_ONE_BY_ONE = "this network has no light ports: nodes, links and ports change one by one"


class WithoutLightPorts:
    """Refuses what only light ports can do, for sessions of networks that have none."""

    def move_port(self, node: int, host: int) -> None:
        """Refuse: only light ports move."""
        del node, host
        raise UsageError("this network has no light ports: nothing else moves between compute hosts")

    def announce_port(self, node: int, host: int | None) -> None:
        """Refuse: only light ports have a place that all compute hosts know."""
        del node, host
        raise UsageError("this network has no light ports: nothing else is announced at compute hosts")

    def set_ports(self, nodes: I64, *, up: bool) -> None:
        """Refuse: ports of full nodes change one by one."""
        del nodes, up
        raise UsageError(_ONE_BY_ONE)

    def remove_ports(self, nodes: I64) -> None:
        """Refuse: full nodes are removed one by one."""
        del nodes
        raise UsageError(_ONE_BY_ONE)

    def add_ports(self, nodes: I64) -> None:
        """Refuse: full nodes are created one by one."""
        del nodes
        raise UsageError(_ONE_BY_ONE)

    def remove_links(self, links: I64) -> None:
        """Refuse: links of full nodes are deleted one by one."""
        del links
        raise UsageError(_ONE_BY_ONE)

    def add_links(self, links: I64) -> None:
        """Refuse: links of full nodes are created one by one."""
        del links
        raise UsageError(_ONE_BY_ONE)


class RestoringSession(WithoutLightPorts, ABC):
    """Context manager that restores everything when the context ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()

    @abstractmethod
    def restore(self) -> list[str]:
        """Restore everything that this session removed; return the names."""
