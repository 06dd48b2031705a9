"""Change a running Mininet network to a new plan, by adding and removing at run time."""

from __future__ import annotations

from dataclasses import dataclass, field

from emulator.difference import difference_lines
from emulator.engines.driven.client import Driver, Step
from emulator.engines.driven.node_lines import program_name
from emulator.engines.mininet.create import Creator, address_lines
from emulator.engines.mininet.delete import delete_nodes, delete_what_is_there
from emulator.engines.mininet.document import Document, Json, document
from emulator.engines.mininet.links import line_changes, moves
from emulator.engines.mininet.local import LocalNodes
from emulator.linux.namespaces.store import NamespaceStore
from emulator.network import Progress, silent
from emulator.ovs.planned_bridges import bridges_of
from emulator.plan import Plan


@dataclass
class Change:
    """Changes to make: nodes by index in their plan, links by the name of their first interface."""

    gone_nodes: list[int] = field(default_factory=list)
    new_nodes: list[int] = field(default_factory=list)
    gone_links: list[str] = field(default_factory=list)
    new_links: list[str] = field(default_factory=list)
    removals: list[Step] = field(default_factory=list)
    """Steps that remove settings from remaining nodes and links, before new ones are created."""
    additions: list[Step] = field(default_factory=list)
    """Steps that add their new settings, after new ones were created."""
    settled: list[str] = field(default_factory=list)
    """The remaining nodes with changed settings."""

    @property
    def is_empty(self) -> bool:
        """True when nothing differs."""
        made = self.gone_nodes or self.new_nodes or self.gone_links or self.new_links
        return not (made or self.removals or self.additions)

    @property
    def moves(self) -> bool:
        """True when links come or go: hosts may then be behind other ports than the learned ones."""
        return bool(self.gone_links or self.new_links)

    def lines(self, old: Plan, new: Plan) -> list[str]:
        """Return the changes for people, one line each."""
        added = [new.topology.names[node] for node in self.new_nodes]
        removed = [old.topology.names[node] for node in self.gone_nodes]
        links = (len(self.new_links), len(self.gone_links))
        return difference_lines(added, removed, links, self.settled)


def difference(old: Plan, new: Plan) -> Change:
    """Return the change from `old` to `new`."""
    was, becomes = document(old, bridges_of(old)), document(new, bridges_of(new))
    same = {name for name, made in becomes.nodes.items() if was.nodes.get(name) == made}
    kept = {
        name for name, link in becomes.links.items()
        if name in was.links and _joins(link) == _joins(was.links[name])
        and all(end["node"] in same for end in link["ends"])
    }  # fmt: skip
    change = Change(
        gone_nodes=[n for n in range(old.topology.node_count) if program_name(old, n) not in same],
        new_nodes=[n for n in range(new.topology.node_count) if program_name(new, n) not in same],
        gone_links=[name for name in was.links if name not in kept],
        new_links=[name for name in becomes.links if name not in kept],
    )
    _settle(was, becomes, same, kept, change)
    return change


def _joins(link: Json) -> list[tuple[str, int, str]]:
    return [(end["node"], end["port"], end["name"]) for end in link["ends"]]


def _settle(was: Document, becomes: Document, same: set[str], kept: set[str], change: Change) -> None:
    """Add the steps that change the settings of remaining nodes and links."""
    removed, added = ({n: some for n, some in by.items() if n in same} for by in line_changes(was, becomes))
    ends = [
        pair
        for name in kept
        for pair in zip(was.links[name]["ends"], becomes.links[name]["ends"], strict=True)
    ]
    shapes = [after for before, after in ends if before["shape"] != after["shape"]]
    given = [after for before, after in ends if before["ip"] != after["ip"] and after["ip"]]
    for before, after in ends:
        if before["mac"] != after["mac"]:
            line = f"link set dev {after['name']} address {after['mac']}"
            added.setdefault(after["node"], []).insert(0, line)
    for node, own in added.items():
        moved = [line.split()[3] for line in own if line.startswith("link set dev ") and " address " in line]
        # it then forgets all neighbours, permanent ones too
        forgot = [line for name in moved for line in becomes.lines[node] if _is_neighbour(line, name)]
        own += [line for line in forgot if line not in own]
    added = _without(added, address_lines(given))
    there = {end["name"] for name in kept for end in becomes.links[name]["ends"]}
    out, into = ([port for port in some if port in there] for some in moves(was, becomes))
    if removed:
        change.removals.append(("batches", {"lines": removed, "harmless": True}))
    if out:
        change.removals.append(("move", {"out": out, "into": []}))
    if given:
        change.additions.append(("addresses", {"ends": given}))
    if added:
        change.additions.append(("batches", {"lines": added, "harmless": True}))
    if into:
        change.additions.append(("move", {"out": [], "into": into}))
    if shapes:
        change.additions.append(("shape", {"ends": shapes}))
    change.settled = sorted({*removed, *added, *(end["node"] for end in (*shapes, *given))})


def _is_neighbour(line: str, interface: str) -> bool:
    return line.startswith("neigh replace ") and f" dev {interface} " in line


def _without(added: dict[str, list[str]], lines: frozenset[str]) -> dict[str, list[str]]:
    kept = {name: [line for line in some if line not in lines] for name, some in added.items()}
    return {name: some for name, some in kept.items() if some}


def converge(
    plans: tuple[Plan, Plan], change: Change, driver: Driver, store: NamespaceStore, progress: Progress
) -> None:
    """Apply `change` from one plan to the other. Call inside the store's mount namespace."""
    old, new = plans
    wanted = document(new, bridges_of(new))
    driver.ask(("unlink", {"names": change.gone_links}), progress=progress)
    delete_nodes(old, change.gone_nodes, driver, LocalNodes(old, store))
    driver.ask(*change.removals)
    Creator(new, wanted, driver, LocalNodes(new, store), progress).create(change.new_nodes, change.new_links)
    driver.ask(*change.additions, ("forget", {"names": sorted(wanted.out)}))


def roll_back(old: Plan, new: Plan, driver: Driver, store: NamespaceStore) -> None:
    """Roll back a failed change to `new`, to the plan `old`. Call inside the store's mount namespace.

    The progress of the change is unknown. So Mininet reports what exists, and every differing link is created
    again.
    """
    change, wanted = difference(new, old), document(old, bridges_of(old))
    links = sorted({*change.gone_links, *change.new_links})
    delete_what_is_there(new, change.gone_nodes, links, driver, LocalNodes(new, store))
    driver.ask(*change.removals)
    there = _there(driver)
    lost = [node for node in change.new_nodes if program_name(old, node) not in there]
    Creator(old, wanted, driver, LocalNodes(old, store), silent).create(lost, change.new_links)
    driver.ask(*change.additions, ("forget", {"names": sorted(wanted.out)}))


def _there(driver: Driver) -> frozenset[str]:
    """Return the names of Mininet's nodes and interfaces."""
    (known,) = driver.ask(("info", {}))
    return frozenset((*known["nodes"], *known["interfaces"]))
