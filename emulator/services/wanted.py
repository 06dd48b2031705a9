"""Services that a plan wants on this machine. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from topologies.nodes_having import nodes_having
from topologies.services import Service
from topologies.topology import I64, Topology


@dataclass(frozen=True)
class Wanted:
    """A service of a node; `digest` changes with everything that only a new start can change."""

    node: int
    node_name: str
    service: Service
    digest: str

    @property
    def key(self) -> tuple[str, str]:
        """Names of the node and of the service."""
        return self.node_name, self.service.name

    def __str__(self) -> str:
        return f"service {self.service.name} of {self.node_name}"


def wanted_services(topology: Topology, nodes: I64) -> list[Wanted]:
    """Return the services of `nodes`, in the order of the nodes and of their starts."""
    out: list[Wanted] = []
    for node in nodes_having(topology, lambda profile: bool(profile.setup.run), nodes):
        profile = topology.node_profile_of(node)
        for service in profile.setup.run:
            setup = profile.setup
            seen = setup.environment, setup.files, setup.private, profile.cpu, profile.memory
            digest = _digest([asdict(service), *seen])
            out.append(Wanted(node, topology.names[node], service, digest))
    return out


def by_node(services: Iterable[Wanted]) -> dict[str, list[Wanted]]:
    """Return the services by the name of their node."""
    out: dict[str, list[Wanted]] = {}
    for wanted in services:
        out.setdefault(wanted.node_name, []).append(wanted)
    return out


def _digest(data: object) -> str:
    return hashlib.sha256(json.dumps(data).encode()).hexdigest()[:16]
