"""Send frames through computed flows, independently of the code that computed them.

Reads the lines that `ovs-ofctl` receives. Switches without such lines, and hosts that relay, are learning
bridges without any addresses: they flood over the ports that their `Role` joins. If a group leaves a
choice, every choice is tried.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emulator.forwarding.base import Role
from emulator.forwarding.protocol import Forwarding
from topologies.identifiers import mac
from topologies.topology import Topology

BROADCAST = "ff:ff:ff:ff:ff:ff"
LOCAL = "LOCAL"
Place = tuple[int, str]
"""Place that receives a frame: (node, port); the port is LOCAL if the bridge itself receives it."""
_MOST_STEPS = 10_000


@dataclass(frozen=True)
class Flow:
    priority: int
    in_port: str | None
    destination: str | None
    actions: tuple[str, ...]


def parsed(line: str) -> Flow:
    match, _, actions = line.partition("actions=")
    fields = dict(field.split("=", 1) for field in match.rstrip(",").split(","))
    assert not fields.keys() - {"priority", "in_port", "dl_dst"}, line
    return Flow(
        int(fields["priority"]), fields.get("in_port"), fields.get("dl_dst"), tuple(actions.split(","))
    )


class Frames:
    """Network at one moment: the links that are up, and the flows of its switches."""

    def __init__(
        self,
        topology: Topology,
        forwarding: Forwarding,
        flows: Mapping[int, list[str]],
        groups: Mapping[int, list[str]],
        up: npt.NDArray[np.bool_] | None = None,
    ) -> None:
        self.topology = topology
        self._forwarding = forwarding
        self._flows = {
            node: sorted(map(parsed, lines), key=lambda flow: -flow.priority) for node, lines in flows.items()
        }
        self._groups = {node: dict(map(_group, lines)) for node, lines in groups.items()}
        self._far: dict[tuple[int, str], tuple[int, str, Role]] = {}
        self._joined: dict[int, list[str]] = {}
        for link in range(topology.link_count):
            for end in (0, 1):
                node, port = int(topology.ends[link, end]), str(topology.ports[link, end])
                if forwarding.roles[link, end] == Role.BRIDGED:
                    self._joined.setdefault(node, []).append(port)
                if up is None or up[link]:
                    other = 1 - end
                    role = Role(forwarding.roles[link, other])
                    self._far[node, port] = (
                        int(topology.ends[link, other]), str(topology.ports[link, other]), role
                    )  # fmt: skip

    def senders(self) -> Iterator[Place]:
        """Return every port from which a host sends: its own, or its bridge."""
        for node in self.topology.hosts.tolist():
            if self._forwarding.has_bridge(node):
                yield node, LOCAL
            for link, end, port in self.topology.incident(node):
                if self._forwarding.roles[link, end] == Role.ADDRESSED:
                    yield node, str(port)

    def address(self, place: Place) -> str:
        """Return the MAC address of a sender."""
        node, port = place
        return mac(self.topology, node, 0xFFFF if port == LOCAL else int(port)).hex(":")

    def outcomes(self, source: Place, destination: str) -> list[Counter[Place]]:
        """Return the receivers of a frame with their counts, for every choice that groups leave."""
        node, port = source
        begin = [(node, LOCAL)] if port == LOCAL else self._across(node, port)
        return [Counter(got) for got in self._walk(begin, destination, source, 0)]

    def _walk(
        self, pending: list[Place], destination: str, source: Place, steps: int
    ) -> Iterator[list[Place]]:
        got: list[Place] = []
        pending = list(pending)
        while pending:
            steps += 1
            assert steps < _MOST_STEPS, "a loop"
            node, port = pending.pop()
            if not self._forwarding.has_bridge(node):
                got.append((node, port))
                continue
            choices = self._sent(node, port, destination)
            results = []
            for outs in choices:
                here = [(node, LOCAL)] if LOCAL in outs and port != LOCAL else []
                onward = [far for out in outs if out not in (LOCAL, port) for far in self._across(node, out)]
                results.append((here, onward))
            if len(results) == 1:
                got += results[0][0]
                pending += results[0][1]
                continue
            for (here, onward), rest in itertools.product(results, [pending]):
                for more in self._walk(onward + rest, destination, source, steps):
                    yield got + here + more
            return
        yield got

    def _across(self, node: int, port: str) -> list[Place]:
        far = self._far.get((node, port))
        if far is None or (far[2] == Role.BLOCKED and far[0] not in self._flows):
            return []
        return [far[:2]]

    def _sent(self, node: int, port: str, destination: str) -> list[list[str]]:
        """Return the ports a frame leaves by, one list for each choice."""
        if node not in self._flows:
            if destination == mac(self.topology, node, 0xFFFF).hex(":"):
                return [[LOCAL]]
            joined = [*self._joined.get(node, []), LOCAL]
            return [joined if port in joined else []]
        for flow in self._flows[node]:
            if flow.in_port in (None, port) and (flow.destination is None or flow.destination == destination):
                return self._chosen(node, flow.actions)
        return [[]]

    def _chosen(self, node: int, actions: tuple[str, ...]) -> list[list[str]]:
        if actions[0].startswith("group:"):
            assert len(actions) == 1
            ports = self._groups[node][int(actions[0][6:])]
            assert len(ports) == len(set(ports)) > 1
            return [[port] for port in ports]
        if actions == ("drop",):
            return [[]]
        return [[action.removeprefix("output:") for action in actions]]


def _group(line: str) -> tuple[int, list[str]]:
    number = re.match(r"group_id=(\d+),type=select,", line)
    buckets = re.findall(r"bucket=watch_port:(\d+),actions=output:(\d+)", line)
    assert number
    assert all(watched == port for watched, port in buckets)
    return int(number[1]), [port for _, port in buckets]
