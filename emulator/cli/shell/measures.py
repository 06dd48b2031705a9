"""Measurements: `pingall`, `pingpair`, `iperf` and `iperfudp`."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Mapping

from emulator.access import Echo
from emulator.cli.output import say
from emulator.errors import UnableError, UsageError
from emulator.interface.network import Network as Handle
from emulator.interface.node import Node
from emulator.network import Network
from topologies.counting import counted
from topologies.quantities import RATE

_MATRIX = 32
"""Most hosts whose pairs `pingall` prints one by one."""

_PORT = 5201
_TRIES, _PAUSE = 50, 0.1
_SECONDS = 3


def _pingall(handle: Handle, network: Network, rest: str) -> int:
    """Compare reachability with the graph; in a small network, print who reached whom."""
    if rest and not (rest.isdecimal() and int(rest)):
        raise UsageError(f"`{rest}` is not a number of pairs (1 or more)")
    result = handle.check(int(rest) if rest else None)
    if not rest and len({a for a, _ in result.answered}) <= _MATRIX:
        _matrix(network, result.answered)
    for entry in result.unexpected:
        print(f"{entry['from']} -> {entry['to']}: expected {entry['expected']}, found {entry['found']}")
    for trip in result.wrong_trips:
        print(trip.words)
    print(
        f"{counted(result.pairs, 'pair')}, {result.reachable:,} reachable, "
        f"{len(result.unexpected):,} unexpected"
    )
    return 0 if result.is_right else 1


def _matrix(network: Network, answered: Mapping[tuple[int, int], bool]) -> int:
    """Print which pairs of nodes answered, as Mininet does; return how many there were."""
    names, rows = network.topology.names, dict[int, list[str]]()
    for (a, b), got in sorted(answered.items()):
        rows.setdefault(a, []).append(names[b] if got else "X")
    for host, words in rows.items():
        print(f"{names[host]} -> {' '.join(words)}")
    received = sum(answered.values())
    lost = 100 * (len(answered) - received) / max(len(answered), 1)
    print(f"*** Results: {lost:.0f}% dropped ({received}/{len(answered)} received)")
    return received


def _pingpair(handle: Handle, network: Network, rest: str) -> int:
    """Ping between the first two hosts, both ways."""
    del handle, rest
    hosts = [node for node in network.topology.hosts.tolist() if network.addresses(node)][:2]
    if len(hosts) < 2:
        raise UsageError("pingpair needs two hosts with addresses")
    pairs = [(hosts[0], hosts[1]), (hosts[1], hosts[0])]
    found = network.access.ping([Echo(a, network.addresses(b)[0]) for a, b in pairs], 1.0)
    answered = {pair: seconds is not None for pair, seconds in zip(pairs, found, strict=True)}
    return 0 if _matrix(network, answered) == len(pairs) else 1


def _iperf(handle: Handle, network: Network, rest: str) -> int:
    """Measure TCP from a host to another, by default from the first to the last one."""
    source, target = _two(handle, network, rest.split())
    say(f"*** Iperf: testing TCP bandwidth between {source.name} and {target.name}")
    ends = _measured(source, target, [])
    sides = ("sum_received", "sum_sent")  # Mininet's order: the server's rate first
    print(f"*** Results: {[_text(ends[side]['bits_per_second']) for side in sides]}")
    return 0


def _iperfudp(handle: Handle, network: Network, rest: str) -> int:
    """Measure UDP at a rate, by default 10 Mbit/s."""
    words = rest.split()
    try:
        text = words[0] if words else "10M"
        rate = RATE.parse(f"{text}bit" if text[-1] in "KMGkmg" else text)  # iperf's own way, too
    except ValueError as error:
        raise UsageError(f"iperfudp: {error}") from error
    source, target = _two(handle, network, words[1:])
    say(f"*** Iperf: testing UDP bandwidth between {source.name} and {target.name}")
    found = _measured(source, target, ["-u", "-b", f"{rate:.0f}"])["sum"]
    rates = [_text(rate), _text(found["bits_per_second"])]
    print(f"*** Results: {rates}, {found['lost_percent']:.2g}% lost")
    return 0


def _text(rate: float) -> str:
    """Return a rate in bit/s as text, in three digits."""
    return RATE.text(float(f"{rate:.3g}"))


def _two(handle: Handle, network: Network, words: list[str]) -> tuple[Node, Node]:
    """Return the hosts that two words name; without words the first and the last host."""
    if len(words) == 2:
        return handle[words[0]], handle[words[1]]
    hosts = [node for node in network.topology.hosts.tolist() if network.addresses(node)]
    if words or len(hosts) < 2:
        raise UsageError("give two hosts, for example `iperf h1 h2`")
    return handle[network.topology.names[hosts[0]]], handle[network.topology.names[hosts[-1]]]


def _measured(source: Node, target: Node, options: list[str]) -> dict[str, dict[str, float]]:
    """Return what iperf3 says at the end of a run from `source` to `target`."""
    if shutil.which("iperf3") is None:
        raise UnableError("iperf3 isn't installed; `apt install iperf3`")
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = target.popen(["iperf3", "-s", "-1", "-p", str(_PORT)], **quiet)
    words = ["iperf3", "-J", "-t", str(_SECONDS), "-p", str(_PORT), "-c", target.address, *options]
    error = ""
    try:
        for _ in range(_TRIES):
            found = json.loads(source.run(words).output or "{}")
            error = found.get("error", "")
            if found.get("end") and not error:
                return dict(found["end"])
            if "refused" not in error:
                break
            time.sleep(_PAUSE)  # the server isn't there yet
    finally:
        server.terminate()
        server.wait()
    raise UnableError(f"iperf3 from {source.name} to {target.name}: {error or 'no answer'}")


MEASURES = {"pingall": _pingall, "pingpair": _pingpair, "iperf": _iperf, "iperfudp": _iperfudp}
"""Command -> function of the network's handle, the network and the rest of the line."""
