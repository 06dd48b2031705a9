"""Quick changes to ports on workers; the end restores everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from emulator.engines.driven.client import Driver, Step
from emulator.engines.driven.node_lines import after_up, is_switch, program_name
from emulator.engines.remote.document import end_of
from emulator.engines.remote.links import port_steps
from emulator.errors import UnableError
from emulator.plan import Plan
from emulator.removed_elements import RemovedElements
from emulator.restoring_session import RestoringSession


class RemoteSession(RestoringSession):
    """Brings ports of a running network down and up. A context manager.

    These engines can't remove links, nodes or controllers; a stress run is refused beforehand
    (`topologies.engines.EngineRow.abilities`). `plan_now()` returns another plan after another command has
    changed which links are up.
    """

    def __init__(self, engine: str, plan_now: Callable[[], Plan], driver: Driver) -> None:
        self._engine = engine
        self._plan_now = plan_now
        self._driver = driver
        self._removed = RemovedElements(plan_now().topology)

    def prepare(self, ports: Iterable[tuple[int, int]]) -> None:
        """Do nothing: the driver receives a request for each change."""
        del ports

    def set_port(self, node: int, port: int, *, up: bool) -> None:
        """Bring `port` of `node` down or up; BrokenError with the program's words."""
        self._removed.set_port(node, port, up=up)
        plan = self._plan_now()
        if up and self._is_cut(plan, node, port):
            return
        self._driver.ask(
            *port_steps([end_of(plan, node, port)], up=up), *self._after(plan, node, port, up=up)
        )

    def _after(self, plan: Plan, node: int, port: int, *, up: bool) -> list[Step]:
        """Return the step that restores what a host or router lost with a port that came up."""
        down = {port for at, port in self._removed.ports if at == node}
        lines = after_up(plan, node, down, {port}) if up and not is_switch(plan, node) else []
        return [("batches", {"lines": {program_name(plan, node): lines}, "harmless": True})] if lines else []

    @staticmethod
    def _is_cut(plan: Plan, node: int, port: int) -> bool:
        """Return whether `link down`, not a session, has cut the port's link: it then stays down."""
        return any(end.port == port and not plan.links_up[end.link] for end in plan.topology.incident(node))

    def remove_link(self, link: int) -> None:
        """Refuse: there is no way to create it again."""
        del link
        raise self._unable("remove links")

    def add_link(self, link: int) -> None:
        """Refuse: none was removed."""
        del link
        raise self._unable("add links")

    def remove_node(self, node: int) -> None:
        """Refuse: there is no way to create it again."""
        del node
        raise self._unable("remove nodes")

    def add_node(self, node: int) -> None:
        """Refuse: none was removed."""
        del node
        raise self._unable("add nodes")

    def set_controller(self, name: str, *, up: bool) -> None:
        """Refuse: controllers of these engines run elsewhere."""
        del name, up
        raise self._unable("stop or start controllers")

    def restore(self) -> list[str]:
        """Bring up all ports that this session brought down; return their names."""
        return self._removed.restore_all(self)

    def _unable(self, what: str) -> UnableError:
        return UnableError(f"the engine {self._engine} can't {what} while a network runs")
