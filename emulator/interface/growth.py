"""Networks that a ramp brings up beside the running one."""

from __future__ import annotations

from emulator.network import Network

_PER_LEAF = 32


class Growth:
    """Networks for a ramp, on the engine of the network under stress."""

    def __init__(self, network: Network) -> None:
        self._engine = network.engine

    def grow(self, name: str, hosts: int) -> Network:
        """Bring up exactly `hosts` hosts, on leaves of up to 32 below one spine."""
        from emulator.engines.registry import engine_named
        from emulator.plan import make_plan
        from topologies.build import build
        from topologies.spec.load import load_text

        engine = engine_named(self._engine)
        document = load_text(f"name: {name}\ntopology: {_shape(hosts)}\n")
        plan = make_plan(build(document), engine.name)
        engine.accept(plan)
        return engine.deploy(plan)


def _shape(hosts: int) -> str:
    """Return the topology in YAML; if leaves can't be equal, one more leaf has the remainder."""
    leaves = -(-hosts // _PER_LEAF)
    if not hosts % leaves:
        return _leaves(leaves, hosts // leaves)
    full, rest = divmod(hosts, _PER_LEAF)
    parts = f"{{a: {_leaves(full, _PER_LEAF)}, b: {{generator: single, hosts: {rest}}}}}"
    return f"{{compose: {parts}, links: [[a.spine1, b.s1]]}}"


def _leaves(count: int, hosts: int) -> str:
    return f"{{generator: leaf-spine, spines: 1, leaves: {count}, hosts_per_leaf: {hosts}}}"
