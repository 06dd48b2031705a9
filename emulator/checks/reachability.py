"""Compare reachability and round trips in the graph with ICMP echo."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from emulator.access import Echo
from emulator.checks.asking import ask
from emulator.checks.components import expectation
from emulator.checks.own_addresses import answered_by_own
from emulator.checks.round_trip_check import RoundTripCheck, WrongRoundTrip
from emulator.checks.timeouts import timeouts_for
from emulator.errors import UsageError
from emulator.link_states import links_up
from emulator.network import Network
from topologies.rng import Stream
from topologies.topology import Topology
from topologies.vpcs import Vpcs

ALL_PAIRS_UP_TO = 64
_ANY_PAIR, _DRAWS = 8, 16
DEFAULT_SAMPLE = 1000


@dataclass
class Reachability:
    """Result of a check. `unexpected` has one entry per difference.

    `equal_addresses` counts pairs that weren't tested: of two VPCs, the sender's having the other's address.
    `round_trips` counts the pairs whose round trips were compared, `wrong_trips` has those that are wrong.
    `answered` tells of each pair of node indices whether all addresses of the second one answered the first.
    """

    pairs: int
    reachable: int
    expected: int
    seconds: float
    unexpected: list[dict[str, str]] = field(default_factory=list)
    equal_addresses: int = 0
    round_trips: int = 0
    wrong_trips: list[WrongRoundTrip] = field(default_factory=list)
    answered: dict[tuple[int, int], bool] = field(default_factory=dict, repr=False)

    @property
    def is_right(self) -> bool:
        """Whether everything is as the graph says."""
        return not self.unexpected and not self.wrong_trips


def host_addresses(network: Network, node: int) -> list[str]:
    """Return the addresses by which others reach a host: without those of the wires of a routing host."""
    addresses = list(network.addresses(node))
    topology = network.topology
    if topology.forwarding == "routed" and topology.node_profile_of(node).relay:
        first: dict[bool, str] = {}
        for address in addresses:
            first.setdefault(":" in address, address)
        return list(first.values())
    return addresses


def choose_pairs(topology: Topology, sample: int | None, hosts: list[int]) -> list[tuple[int, int]]:
    """Return the ordered pairs to probe: all of them for up to 64 hosts, otherwise a sample from the seed.

    A sample holds both directions of each couple. The second probe finds the neighbour entry made by the
    first. That halves the ARP broadcasts, each of which a bridged network carries to every host: 1,000 pairs
    of 1,024 hosts cost half a million deliveries instead of a million.
    """
    count = len(hosts)
    total = count * (count - 1)
    want = total if sample is None and count <= ALL_PAIRS_UP_TO else min(sample or DEFAULT_SAMPLE, total)
    if want == total:
        return [(a, b) for a in hosts for b in hosts if a != b]
    stream = Stream(topology.seed, "check", topology.name)
    if topology.vpcs is not None:
        return _pairs_in_vpcs(topology, topology.vpcs, want, stream)
    chosen: dict[tuple[int, int], None] = {}
    while len(chosen) < want:
        for number in stream.integers(total, want).tolist():
            a, b = divmod(number, count - 1)
            b += b >= a
            chosen.setdefault((hosts[a], hosts[b]), None)
            chosen.setdefault((hosts[b], hosts[a]), None)
    return list(chosen)[:want]


def _pairs_in_vpcs(topology: Topology, vpcs: Vpcs, want: int, stream: Stream) -> list[tuple[int, int]]:
    """Return ordered pairs of light ports and hosts: most are of one VPC, every eighth is of any two nodes.

    In a region of many VPCs, nearly all pairs of any two would be of different ones, and never answer.
    """
    hosts = topology.hosts
    vpc = np.full(topology.node_count, -1, dtype=np.int64)
    held = vpcs.of_node >= 0
    vpc[held] = vpcs.vpc_of_subnet[vpcs.of_node[held]]
    ordered = hosts[np.argsort(vpc[hosts], kind="stable")]
    first = np.searchsorted(vpc[ordered], np.arange(-1, len(vpcs.names) + 1))
    chosen: dict[tuple[int, int], None] = {}
    for _ in range(_DRAWS):
        a = hosts[stream.integers(len(hosts), want)]
        low, high = first[vpc[a] + 1], first[vpc[a] + 2]
        b = ordered[low + (stream.random(want) * (high - low)).astype(np.int64)]
        b[::_ANY_PAIR] = hosts[stream.integers(len(hosts), len(b[::_ANY_PAIR]))]
        chosen.update(dict.fromkeys((x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True) if x != y))
        if len(chosen) >= want:
            break
    return list(chosen)[:want]


def informative(topology: Topology, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the pairs without those of two VPCs in which the sender's has the other's address."""
    if topology.vpcs is None:
        return pairs
    own = answered_by_own(topology.vpcs, pairs).tolist()
    return [pair for pair, hidden in zip(pairs, own, strict=True) if not hidden]


def in_turn(pairs: list[tuple[int, int]]) -> list[int]:
    """Return the order in which to probe pairs of hosts: each round probes every host once.

    A dead node is then met now and then and not many times in a row, and no host is probed by all others at
    once. The second probe of a couple comes long after the first, which has made its neighbour entry.
    """
    hosts = {host: at for at, host in enumerate(sorted({host for pair in pairs for host in pair}))}
    return sorted(range(len(pairs)), key=lambda at: (hosts[pairs[at][1]] - hosts[pairs[at][0]]) % len(hosts))


def check_reachability(network: Network, sample: int | None = None, timeout: float = 1.0) -> Reachability:
    """Ping pairs of hosts and compare with the graph; links that are down count as missing.

    `timeout` is in seconds for links without delays; the delays of links are added.
    """
    if sample is not None and sample < 1:
        raise UsageError(f"--sample must be at least 1, got {sample}")
    topology = network.topology
    hosts = [h for h in topology.full.hosts.tolist() if network.addresses(h)]
    hosts += range(topology.full.node_count, topology.node_count)
    begin = time.monotonic()
    chosen = choose_pairs(topology, sample, hosts)
    pairs = informative(topology, chosen)
    states = network.link_changes
    up = links_up(topology, states)
    expected = expectation(topology, up)
    full = topology.underlay
    states_of_full = {link: state for link, state in states.items() if link < full.link_count}
    extra = timeouts_for(full, states_of_full, up[: full.link_count])
    questions = [
        (a, b, Echo(a, address, expected(a, b, address)))
        for a, b in pairs
        for address in host_addresses(network, b)
    ]
    order = in_turn([(a, b) for a, b, _ in questions])
    echoes = [questions[at][2] for at in order]
    full_pairs = [question for question in questions if max(question[:2]) < full.node_count]
    trips = RoundTripCheck(full, states_of_full, up[: full.link_count], full_pairs)
    wait = timeout + max(extra.seconds, trips.longest)
    answers = dict(zip(order, ask(network.access, echoes, wait, extra.rounds), strict=True))
    result = Reachability(len(pairs), 0, 0, 0.0, equal_addresses=len(chosen) - len(pairs))
    names = topology.names
    answered = result.answered
    wanted: dict[tuple[int, int], bool] = {}
    for at, (a, b, echo) in enumerate(questions):
        got, want = answers[at] is not None, echo.expected
        answered[a, b] = answered.get((a, b), True) and got
        wanted[a, b] = wanted.get((a, b), True) and want
        if got != want:
            result.unexpected.append(
                {"from": names[a], "to": names[b], "address": echo.target,
                 "expected": "reachable" if want else "unreachable",
                 "found": "reachable" if got else "unreachable"}
            )  # fmt: skip
    result.reachable = sum(answered.values())
    result.expected = sum(wanted.values())
    times = [answers[at] for at, (a, b, _) in enumerate(questions) if max(a, b) < full.node_count]
    result.round_trips, result.wrong_trips = trips.compare(network.access, times, wait)
    result.seconds = time.monotonic() - begin
    return result
