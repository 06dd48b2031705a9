"""The engines: one row each. The file's choices, the help, the refusals and the pages come from here.

Pure data: a class is named here and imported when its engine is first used (`emulator/engines/registry.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

ABILITIES = {
    "links": "remove links from a running network",
    "nodes": "remove nodes from a running network",
    "controllers": "stop and start controllers",
    "networks": "bring up a second network beside a running one",
    "sockets": "open sockets in nodes",
    "ports": "have light ports",
    "migration": "move light ports",
    "outside": "give nodes a way to the machine",
}
"""Abilities that stress steps or nodes may need, each with words for "the engine can't …"."""

_ALL = frozenset(ABILITIES)
_OURS = frozenset({"ports", "migration", "outside"})
NODE_KEYS = frozenset({"run", "environment", "sysctl", "files", "private", "vlans"})
"""Keys of nodes beyond the graph, which an engine carries out or refuses."""
_TUNNEL_MTU = 1450
"""1,500 bytes less VXLAN's 50 (RFC 7348 over IPv4); GRE with a key takes 42 (RFC 2784, RFC 2890)."""


@dataclass(frozen=True)
class EngineRow:
    """One engine: its class as "module:Class", one line of help, and the options that a file may give it.

    `simulated` engines make nothing: a network of theirs takes no memory of this machine. With
    `one_switch_namespace`, all switches of a network are in one network namespace, whatever their kind.
    An engine with the option `workers` makes its nodes on other machines; links between them carry
    `tunnel_mtu` bytes at most, if that is always the same. `abilities` are those of `ABILITIES` that it has,
    for stress steps and nodes. `node_keys` are those of `NODE_KEYS` that it carries out.
    """

    target: str
    help: str
    simulated: bool = False
    one_switch_namespace: bool = False
    options: tuple[str, ...] = ()
    tunnel_mtu: int = 1500
    abilities: frozenset[str] = _ALL
    node_keys: frozenset[str] = frozenset()

    @property
    def on_workers(self) -> bool:
        """True when its nodes are on other machines."""
        return "workers" in self.options


_DISTRINET_OPTIONS = ("python", "home", "workers", "user", "key", "jump", "image", "admin", "master")
_CLUSTER_OPTIONS = ("scheduler", "scheduler_file", "certificates", "underlay", "workers")
_MAXINET_OPTIONS = ("python", "home", "workers", "frontend", "password_file")

ENGINES: dict[str, EngineRow] = {
    "netns": EngineRow(
        "emulator.engines.netns:NetnsEngine", "Linux network namespaces on this machine", node_keys=NODE_KEYS
    ),
    "mininet": EngineRow(
        "emulator.engines.mininet:MininetEngine", "the real Mininet", one_switch_namespace=True,
        abilities=_ALL - _OURS, node_keys=NODE_KEYS,
    ),
    "cluster": EngineRow(
        "emulator.engines.cluster:ClusterEngine", "Linux network namespaces on the workers of a cluster",
        options=_CLUSTER_OPTIONS, abilities=_ALL - {"networks", "outside"},
        node_keys=NODE_KEYS,
    ),
    "distrinet": EngineRow(
        "emulator.engines.distrinet:DistrinetEngine", "the real Distrinet on its workers",
        options=_DISTRINET_OPTIONS, tunnel_mtu=_TUNNEL_MTU, abilities=frozenset(),
    ),
    "maxinet": EngineRow(
        "emulator.engines.maxinet:MaxinetEngine", "the real MaxiNet on its workers",
        options=_MAXINET_OPTIONS, tunnel_mtu=_TUNNEL_MTU, abilities=frozenset(),
    ),
    "dry-run": EngineRow(
        "emulator.engines.dry_run:DryRunEngine", "in memory", simulated=True, node_keys=NODE_KEYS
    ),
}  # fmt: skip
"""Name as files write it -> row, in the order in which they are listed."""

DEFAULT_ENGINE = "netns"
"""The engine of a file that names none."""


def engine_choices() -> str:
    """Return the names for a sentence: `a, b or c`."""
    *others, last = ENGINES
    return f"{', '.join(others)} or {last}" if others else last
