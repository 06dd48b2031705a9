"""Context of actions in a worker: a session, and the state of removed elements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from emulator.errors import UnableError
from emulator.network import Network, Session
from emulator.process_tags import tagged
from stress.actions.action_context import Skipped, SkippedError
from stress.runner.changing_links import ChangesLinks
from stress.runner.shared_state import SharedState
from stress.targets import Target, target_name

_UP, _DOWN = "the port is up", "the port is down already"
_GONE, _THERE = "the node is removed already", "the node is there"


class WorkerContext(ChangesLinks):
    """Context of one worker. The worker's thread enters `session`."""

    def __init__(self, shared: SharedState, session: Session) -> None:
        super().__init__(shared)
        self._session = session
        self._topology = shared.network.topology
        self._kept: dict[object, Any] = {}
        self._grown: dict[int, str] = {}
        self._stack = ExitStack()
        self.clock = shared.clock
        self.stop = shared.stop

    def prepare(self, targets: Iterable[Target]) -> None:
        """Prepare the session for the planned operations on ports."""
        self._session.prepare((target.number, target.port) for target in targets if target.kind == "port")

    def is_here(self, node: int) -> bool:
        """Return whether a node is on this machine, and not on another worker."""
        return self._shared.elsewhere is None or node not in self._shared.elsewhere

    def need_node(self, node: int) -> None:
        """Raise SkippedError when the node is removed."""
        if node in self._removed.nodes:
            raise SkippedError("the node is removed")

    def set_port(self, target: Target, *, up: bool) -> None:
        """Bring a port down or up; skipped when it is in that state already, or is removed."""
        here = self._removed
        key = (target.number, target.port)
        if (key in here.ports) is not up:
            raise SkippedError(_UP if up else _DOWN)
        if here.links or here.nodes:
            self._need_link(target.link)
        if up:
            self._session.set_port(target.number, target.port, up=True)
            here.set_port(*key, up=True)
        else:
            here.set_port(*key, up=False)
            self._session.set_port(target.number, target.port, up=False)

    def set_ports(self, targets: Sequence[Target], *, up: bool) -> Skipped:
        """Bring light ports down or up at once; those in that state already, or removed, are skipped."""
        here, skipped = self._removed, Skipped()
        gone = bool(here.links or here.nodes)
        for at, target in enumerate(targets):
            if ((target.number, target.port) in here.ports) is not up:
                skipped[at] = _UP if up else _DOWN
            elif gone:
                try:
                    self._need_link(target.link)
                except SkippedError as error:
                    skipped[at] = str(error)
        nodes = [target.number for at, target in enumerate(targets) if at not in skipped]
        if up:
            self._session.set_ports(np.array(nodes, dtype=np.int64), up=True)
            here.set_ports(nodes, up=True)
        else:
            here.set_ports(nodes, up=False)
            self._session.set_ports(np.array(nodes, dtype=np.int64), up=False)
        return skipped

    def set_nodes(self, nodes: Sequence[int], *, removed: bool) -> Skipped:
        """Remove light nodes at once, or add removed ones again; those in that state already are skipped."""
        away = self._removed.nodes
        skipped = {
            at: _GONE if removed else _THERE for at, node in enumerate(nodes) if (node in away) is removed
        }
        some = [node for at, node in enumerate(nodes) if at not in skipped]
        if removed:
            self._removed.set_nodes(some, removed=True)
            self._session.remove_ports(np.array(some, dtype=np.int64))
        else:
            self._session.add_ports(np.array(some, dtype=np.int64))
            self._removed.set_nodes(some, removed=False)
        return skipped

    def set_links(self, links: Sequence[int], *, removed: bool) -> Skipped:
        """Delete links of light nodes at once, or add deleted ones again; as for single ones, some skip."""
        skipped = Skipped()
        for at, link in enumerate(links):
            try:
                (self._need_link if removed else self._need_no_link)(link)
            except SkippedError as error:
                skipped[at] = str(error)
        some = [link for at, link in enumerate(links) if at not in skipped]
        if removed:
            self._removed.set_links(some, removed=True)
            self._session.remove_links(np.array(some, dtype=np.int64))
        else:
            self._session.add_links(np.array(some, dtype=np.int64))
            self._removed.set_links(some, removed=False)
        return skipped

    def move_port(self, node: int, host: int) -> None:
        """Move a light port, or bring it back; skipped when it is removed, or there already."""
        here, home = self._removed, self._removed.home(node)
        self.need_node(node)
        if host in here.nodes:
            raise SkippedError("the compute host is removed")
        if host == home and node not in here.moved:
            raise SkippedError("the port is there already")
        self._session.move_port(node, host)
        here.set_moved(node, moved=host != home)

    def announce_port(self, node: int, host: int | None) -> None:
        """Lead what is sent to a light port elsewhere, or home; skipped when removed, or so already."""
        here = self._removed
        self.need_node(node)
        if host in here.nodes:
            raise SkippedError("the compute host is removed")
        if host is None and node not in here.announced:
            raise SkippedError("the port is announced where it is")
        self._session.announce_port(node, host)
        here.set_announced(node, host)

    def remove_link(self, link: int) -> None:
        """Delete a link; skipped when it or a node of it is removed already."""
        self._need_link(link)
        self._removed.record_link(link)
        self._removed.forget_ports(link)
        self._session.remove_link(link)

    def add_link(self, link: int) -> None:
        """Add a deleted link again; skipped when it exists, or when a node of it is removed."""
        self._need_no_link(link)
        self._session.add_link(link)
        self._removed.links.pop(link, None)

    def remove_node(self, node: int) -> None:
        """Remove a node; skipped when it is removed already."""
        if node in self._removed.nodes:
            raise SkippedError(_GONE)
        self._shared.last_removals[node] = self.clock()
        self._removed.record_node(node)
        for end in self._topology.incident(node):
            self._removed.forget_ports(end.link)
        self._session.remove_node(node)

    def add_node(self, node: int) -> None:
        """Add a removed node again; skipped when it exists."""
        if node not in self._removed.nodes:
            raise SkippedError(_THERE)
        self._session.add_node(node)
        self._removed.nodes.pop(node, None)

    def set_controller(self, target: Target, *, up: bool) -> None:
        """Stop a controller or start it again; skipped when it is in that state already."""
        name = self.name(target)
        if (name in self._removed.controllers) is not up:
            raise SkippedError("the controller runs" if up else "the controller is stopped already")
        if up:
            self._session.set_controller(name, up=True)
            self._removed.set_controller(name, up=True)
        else:
            self._removed.set_controller(name, up=False)
            self._session.set_controller(name, up=False)

    def grow(self, name: str, hosts: int) -> Network:
        """Bring up a network beside the running one; the journal notes it first."""
        if self._shared.growth is None:
            raise UnableError("nothing here can bring up more networks")
        self.journal.will_grow(name)
        try:
            grown = self._shared.growth.grow(name, hosts)
        except BaseException:
            self.journal.is_down(name)  # an engine leaves nothing behind when it can't bring up a network
            raise
        self._grown[id(grown)] = name
        return grown

    def take_down(self, network: Network) -> None:
        """Take down a network that `grow` brought up."""
        network.down()
        self.journal.is_down(self._grown.pop(id(network)))

    def marked(self, words: Sequence[str]) -> list[str]:
        """Return a command tagged so that all its processes end with the run."""
        return tagged(words, self._shared.tag)

    def kept(self, key: object, make: Callable[[], Any]) -> Any:
        """Return the result of the first `make()`; it is closed at the end of the step, if it can be."""
        if key not in self._kept:
            made = self._kept[key] = make()
            if hasattr(made, "close"):
                self._stack.callback(made.close)
        return self._kept[key]

    def report(self, kind: str, found: dict[str, Any]) -> None:
        """Add a result to those of the run."""
        self._shared.reports.append((kind, found))

    def close(self) -> None:
        """Close everything that was kept."""
        self._kept.clear()
        self._stack.close()

    def restore(self) -> list[str]:
        """Restore everything that the session removed; return the names. Nothing when the network is gone."""
        return [] if self.journal.lost else self._session.restore()

    def name(self, target: Target) -> str:
        """Return the name of a target in reports."""
        return target_name(self._topology, target)

    def _need_no_link(self, link: int) -> None:
        here = self._removed
        if link not in here.links:
            raise SkippedError("the link is there")
        if here.nodes and any(node in here.nodes for node in self._ends[link]):
            raise SkippedError("a node of the link is removed")
