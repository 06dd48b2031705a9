"""Reachability: what the graph says against what ICMP finds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from emulator.checks.components import expectation
from emulator.checks.patience import patience
from emulator.errors import UsageError
from emulator.link_states import links_up
from emulator.network import Echo, Network
from topologies.rng import Stream
from topologies.topology import Topology

ALL_PAIRS_UP_TO = 64
DEFAULT_SAMPLE = 1000


@dataclass
class Reachability:
    """What a check found. `unexpected` has one entry per difference."""

    pairs: int
    reachable: int
    expected: int
    seconds: float
    unexpected: list[dict[str, str]] = field(default_factory=list)


def host_addresses(network: Network, node: int) -> list[str]:
    """Return the addresses that others know a host by: not those of the wires of a host that routes."""
    addresses = list(network.addresses(node))
    topology = network.topology
    if topology.forwarding == "routed" and topology.node_profile_of(node).relay:
        first: dict[bool, str] = {}
        for address in addresses:
            first.setdefault(":" in address, address)
        return list(first.values())
    return addresses


def choose_pairs(topology: Topology, sample: int | None, hosts: list[int]) -> list[tuple[int, int]]:
    """Return the ordered pairs to ask: all of them for up to 64 hosts, else a sample from the seed.

    A sample holds both directions of each couple it draws. The second question finds its neighbour
    entry made by the first, and that halves the ARP broadcasts, each of which a flat network
    carries to every host: 1,000 pairs of 1,024 hosts cost half a million deliveries, not a million.
    """
    count = len(hosts)
    total = count * (count - 1)
    want = total if sample is None and count <= ALL_PAIRS_UP_TO else min(sample or DEFAULT_SAMPLE, total)
    if want == total:
        return [(a, b) for a in hosts for b in hosts if a != b]
    stream = Stream(topology.seed, "check", topology.name)
    chosen: dict[tuple[int, int], None] = {}
    while len(chosen) < want:
        for number in stream.integers(total, want).tolist():
            a, b = divmod(number, count - 1)
            b += b >= a
            chosen.setdefault((hosts[a], hosts[b]), None)
            chosen.setdefault((hosts[b], hosts[a]), None)
    return list(chosen)[:want]


def check_reachability(network: Network, sample: int | None = None, timeout: float = 1.0) -> Reachability:
    """Ask pairs of hosts by ICMP and compare with the graph; links that are down count as missing.

    `timeout` is in seconds, and for links that don't delay: what the links' delays add is added.
    """
    if sample is not None and sample < 1:
        raise UsageError(f"--sample must be at least 1, got {sample}")
    topology = network.topology
    hosts = [h for h in topology.hosts.tolist() if network.addresses(h)]
    begin = time.monotonic()
    pairs = choose_pairs(topology, sample, hosts)
    up = links_up(topology, network.links)
    expected = expectation(topology, up)
    extra = patience(network, up)
    questions = [(a, b, Echo(a, address)) for a, b in pairs for address in host_addresses(network, b)]
    wants = [expected(a, b, echo.target) for a, b, echo in questions]
    echoes = [echo for _, _, echo in questions]
    times = _asked(network, echoes, wants, timeout + extra.seconds, extra.rounds)
    result = Reachability(len(pairs), 0, 0, 0.0)
    names = topology.names
    answered: dict[tuple[int, int], bool] = {}
    wanted: dict[tuple[int, int], bool] = {}
    for (a, b, echo), want, seconds in zip(questions, wants, times, strict=True):
        got = seconds is not None
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
    result.seconds = time.monotonic() - begin
    return result


def _asked(
    network: Network, echoes: list[Echo], wants: list[bool], timeout: float, rounds: int
) -> list[float | None]:
    """Ask, and ask again where an answer was expected and none came, in up to `rounds` rounds.

    The kernel lets a port forward some time after its link comes up (net/core/link_watch.c waits up to
    a second), and a lost ARP request is repeated after a second: the first question asked just after
    `up` may be too early. Links that lose packets need more rounds.
    """
    times = list(network.ping(echoes, timeout))
    for _ in range(rounds - 1):
        again = [at for at, want in enumerate(wants) if want and times[at] is None]
        if not again:
            break
        for at, seconds in zip(again, network.ping([echoes[at] for at in again], timeout), strict=True):
            times[at] = seconds
    return times
