"""Access to the nodes of a Mininet network: access to namespaces, plus Mininet's own command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from emulator.access import Capability
from emulator.engines.driven.client import Driver
from emulator.engines.namespaced_access import NamespacedAccess
from emulator.engines.namespaced_nodes import NamespacedNodes
from emulator.link_states import States


class MininetAccess(NamespacedAccess):
    """Access to nodes that Mininet created; `driver` returns the client of Mininet's driver."""

    capabilities: ClassVar[frozenset[Capability]] = NamespacedAccess.capabilities | {Capability.CONSOLE}

    def __init__(
        self, engine: str, nodes: NamespacedNodes, links: Callable[[], States], driver: Callable[[], Driver]
    ) -> None:
        super().__init__(engine, nodes, links)
        self._driver = driver

    def open_console(self) -> None:
        """Run Mininet's command line until the user leaves it; BrokenError when its driver can't."""
        from emulator.engines.mininet.console import open_command_line

        open_command_line(self._driver())
