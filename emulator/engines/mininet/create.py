"""Create nodes and links through Mininet, in its own order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from emulator.engines.driven.client import Driver
from emulator.engines.driven.node_lines import host_address, is_switch, program_name
from emulator.engines.mininet.document import Document, Json
from emulator.engines.mininet.local import LocalNodes
from emulator.network import Progress
from emulator.plan import Plan

Item = TypeVar("Item")
_CHUNK = 128
"""Nodes or links per request to the driver."""


class Creator:
    """Creates nodes and links of `plan`, its document `wanted`. Call inside the store's mount namespace."""

    def __init__(
        self, plan: Plan, wanted: Document, driver: Driver, local: LocalNodes, progress: Progress
    ) -> None:
        self._plan = plan
        self._wanted = wanted
        self._driver = driver
        self._local = local
        self._progress = progress

    def create(self, nodes: Sequence[int], links: Sequence[str], *, partly: bool = False) -> None:
        """Create `nodes` and `links` (by the first end's interface), and apply all their settings.

        `partly` means that other nodes and links of the plan may be missing: what needs them is skipped.
        The last links and all settings go to the driver as one request. The driver completes it even if this
        process dies: a killed session leaves no link that exists but joins nothing.
        """
        self._nodes(nodes)
        documents = [self._wanted.links[name] for name in links]
        chunks = list(_chunks(documents))
        for at, some in chunks[:-1]:
            self._driver.ask(("links", {"documents": some}), progress=self._from("links", at, len(links)))
        last = [("links", {"documents": some}) for _, some in chunks[-1:]]
        cut = [end["name"] for name, some in zip(links, documents, strict=True) for end in some["ends"]
               if name in self._wanted.cut]  # fmt: skip
        stay_down = ("ports", {"names": cut, "up": False})
        names = {node: program_name(self._plan, node) for node in nodes}
        hosts = [names[node] for node in nodes if not is_switch(self._plan, node)]
        switches = [names[node] for node in nodes if is_switch(self._plan, node)]
        lines = self._lines({names[node]: node for node in nodes}, documents)
        early = {name: some for name, some in lines.items() if name not in set(switches)}
        late = {name: some for name, some in lines.items() if name not in early}
        joined = [
            end["name"]
            for document in documents
            for end in document["ends"]
            if end["node"] in self._wanted.out and end["node"] not in set(switches)
            and end["name"] not in self._wanted.out[end["node"]]
        ]  # fmt: skip
        self._driver.ask(
            *last,
            stay_down,  # before they join a switch: otherwise they could close a loop
            ("configure", {"names": hosts}),
            ("addresses", {"ends": addressed(documents)}),
            stay_down,
            ("batches", {"lines": early, "harmless": partly}),
            ("start", {"names": switches}),
            ("move", {"out": [], "into": joined}),
            ("batches", {"lines": late, "harmless": partly}),
            progress=self._from("links", chunks[-1][0] if chunks else 0, len(links)),
        )
        self._local.compute_checksums(
            frozenset(end["name"] for document in documents for end in document["ends"])
        )

    def _nodes(self, nodes: Sequence[int]) -> None:
        """Create nodes; apply the settings that must precede their ports as they appear."""
        with self._local.pinning() as pin:
            for at, some in _chunks(nodes):
                documents = [self._node(node) for node in some]
                progress = self._from("nodes", at, len(nodes))
                (pids,) = self._driver.ask(("nodes", {"documents": documents}), progress=progress)
                for node, document in zip(some, documents, strict=True):
                    pin(node, pids[document["name"]])

    def _node(self, node: int) -> Json:
        """Return the document of a node, with settings that are needed only for its creation."""
        name = program_name(self._plan, node)
        made = self._wanted.nodes[name]
        if is_switch(self._plan, node):
            return made | {"out": sorted(self._wanted.out[name])}
        return made | {"ip": host_address(self._plan, node)}

    def _lines(self, fresh: dict[str, int], links: Sequence[Json]) -> dict[str, list[str]]:
        """Return the lines of new nodes, and of existing nodes at an end of a new link."""
        touched = dict.fromkeys([*fresh, *(end["node"] for link in links for end in link["ends"])])
        by_mininet = address_lines(addressed(links))
        out = {}
        for name in touched:
            lines = [line for line in self._wanted.lines[name] if line not in by_mininet]
            if name not in fresh:  # its bridge exists
                lines = [line for line in lines if not line.startswith("link add ")]
            if lines:
                out[name] = lines
        return out

    def _from(self, phase: str, before: int, total: int) -> Progress:
        """Return progress for one chunk, reported as that of the whole; pass on other phases unchanged."""

        def report(name: str, done: int, part: int) -> None:
            if name == phase:
                self._progress(phase, before + done, total)
            else:
                self._progress(name, done, part)

        return report


def addressed(links: Iterable[Json]) -> list[Json]:
    """Return the ends of `links` that get an address from Mininet, including ends on existing hosts.

    Our own lines can't set these addresses: Mininet must know the address, and its broadcast address (set by
    ifconfig) stays the same. Ends are identified by interface: a host's first one may be absent while another
    is created.
    """
    return [end for link in links for end in link["ends"] if end["ip"]]


def address_lines(ends: Iterable[Json]) -> frozenset[str]:
    """Return the lines for what Mininet itself adds to `ends`."""
    return frozenset(f"addr replace {end['ip']} dev {end['name']}" for end in ends)


def _chunks(items: Sequence[Item]) -> Iterator[tuple[int, Sequence[Item]]]:
    for at in range(0, len(items), _CHUNK):
        yield at, items[at : at + _CHUNK]
