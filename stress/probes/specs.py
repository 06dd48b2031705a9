"""Resolution of a scenario's probes: pairs of nodes and their addresses, by the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from stress import targets as selection
from stress.keys import TargetKeys
from stress.vpc_members import vpc_numbers, with_partners
from topologies.errors import Loc, ParameterError
from topologies.rng import Stream
from topologies.topology import Topology


class ProbeKeys(Protocol):
    """Keys of a probe in a scenario; `stress.scenario.model.Probe` is one."""

    @property
    def probe(self) -> str:
        """ping, tcp or command."""
        ...

    @property
    def name(self) -> str | None:
        """Name in limits and reports; the kind by default."""
        ...

    @property
    def source(self) -> TargetKeys:
        """Selection of the sources."""
        ...

    @property
    def target(self) -> TargetKeys:
        """Selection of the targets."""
        ...

    @property
    def pairs(self) -> int:
        """Number of pairs, at most as many as there are."""
        ...

    @property
    def interval(self) -> float:
        """Seconds between two probes of a pair."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds that an answer may take."""
        ...

    @property
    def port(self) -> int:
        """TCP port."""
        ...

    @property
    def command(self) -> list[str] | None:
        """Command to run; `{target}` in it becomes the address."""
        ...


class Addressed(Protocol):
    """Protocol of a graph with addresses: a running network, or a planned one."""

    @property
    def topology(self) -> Topology:
        """The graph."""
        ...

    def addresses(self, node: int) -> Sequence[str]:
        """Return the addresses of a node, without prefix lengths."""
        ...


@dataclass(frozen=True)
class Pair:
    """Pair of nodes: `source` probes `target` at `address`."""

    source: int
    target: int
    address: str

    @property
    def version(self) -> int:
        """IP version, 4 or 6."""
        return 6 if ":" in self.address else 4


@dataclass(frozen=True)
class ResolvedProbe:
    """One probe, resolved. Times in seconds."""

    kind: str
    name: str
    pairs: tuple[Pair, ...]
    interval: float
    timeout: float
    port: int = 7
    command: tuple[str, ...] = ()

    @property
    def sockets(self) -> int:
        """Number of open sockets: one for all pings of a node, one for each connection."""
        if self.kind == "ping":
            return len({(pair.source, pair.version) for pair in self.pairs})
        if self.kind == "tcp":
            at_once = len(self.pairs) * (1 + round(self.timeout / self.interval))
            return len({pair.target for pair in self.pairs}) + at_once
        return 0


def resolve(probes: Sequence[ProbeKeys], network: Addressed, seed: int = 0) -> list[ResolvedProbe]:
    """Return the resolved probes with unique names, their pairs drawn by the run's `seed`.

    ParameterError when nothing matches.
    """
    taken = {probe.name for probe in probes if probe.name}
    specs = []
    for at, probe in enumerate(probes):
        name, number = probe.name or probe.probe, 1
        while probe.name is None and name in taken:
            number += 1
            name = f"{probe.probe}-{number}"
        taken.add(name)
        pairs = _pairs(probe, network, Stream(seed, "stress", "probe", name), ("probes", at))
        specs.append(
            ResolvedProbe(probe.probe, name, tuple(pairs), probe.interval, probe.timeout, probe.port,
                 tuple(probe.command or ()))
        )  # fmt: skip
    return specs


def _pairs(probe: ProbeKeys, network: Addressed, stream: Stream, loc: Loc) -> list[Pair]:
    topology = network.topology
    sources = _addressed(selection.nodes(topology, probe.source, stream, (*loc, "source")), network)
    goals = _addressed(selection.nodes(topology, probe.target, stream, (*loc, "target")), network)
    if not sources or not goals or len({*sources, *goals}) < 2:
        key = "target" if sources else "source"
        raise ParameterError((*loc, key), "leaves no pair of two nodes that have addresses")
    drawn = _drawn(topology, list(sources), list(goals), probe.pairs, stream)
    if not drawn:
        raise ParameterError((*loc, "target"), "is in other VPCs than the sources, which don't reach it")
    return [_pair(topology, a, b, sources, goals) for a, b in drawn]


def _addressed(targets: list[selection.Target], network: Addressed) -> dict[int, list[str]]:
    """Return node -> addresses, for the nodes that have any."""
    found = {target.number: list(network.addresses(target.number)) for target in targets}
    return {node: addresses for node, addresses in found.items() if addresses}


def _pair(
    topology: Topology, a: int, b: int, sources: dict[int, list[str]], goals: dict[int, list[str]]
) -> Pair:
    """Return the pair, at the first address of a version that both have."""
    own = {":" in address for address in sources[a]}
    address = next((address for address in goals[b] if (":" in address) in own), None)
    if address is None:
        names = topology.names
        raise ParameterError(("probes",), f"{names[a]} and {names[b]} share no IP version")
    return Pair(a, b, address)


def _drawn(
    topology: Topology, sources: list[int], goals: list[int], count: int, stream: Stream
) -> list[tuple[int, int]]:
    """Return up to `count` pairs, each within one VPC or outside all; VPCs have their share of sources."""
    kept, by_vpc = with_partners(topology, sources, goals)
    if len(by_vpc) < 2 and len(kept) == len(sources):
        return drawn_pairs(sources, goals, count, stream)
    numbers = vpc_numbers(topology)
    found: list[tuple[int, int]] = []
    of_vpc = {vpc: [one for one in kept if numbers[one] == vpc] for vpc in by_vpc}
    left = sum(map(len, of_vpc.values()))
    for vpc, own in sorted(of_vpc.items(), key=lambda item: len(item[1])):
        share = -(-(count - len(found)) * len(own) // max(left, 1))
        left -= len(own)
        if own and share:
            found += drawn_pairs(own, by_vpc[vpc], share, stream)
    return found[:count]


def drawn_pairs(sources: list[int], goals: list[int], count: int, stream: Stream) -> list[tuple[int, int]]:
    """Return up to `count` different ordered pairs of two different nodes, drawn by `stream`.

    If fewer exist, it returns all of them. Sources take turns, so that each occurs equally often.
    """
    shared = len({*sources} & {*goals})
    total = len(sources) * len(goals) - shared
    if count >= total:
        return [(a, b) for a in sources for b in goals if a != b]
    found: dict[tuple[int, int], None] = {}
    while len(found) < count:
        starts = stream.integers(len(goals), len(sources)).tolist()
        order = stream.integers(1 << 30, len(sources)).argsort(kind="stable").tolist()
        for at in order:
            pair = (sources[at], goals[starts[at]])
            if pair[0] != pair[1] and len(found) < count:
                found.setdefault(pair, None)
    return list(found)
