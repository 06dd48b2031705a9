"""What this machine can't hold: memory and kernel limits, with the numbers."""

from __future__ import annotations

from contextlib import suppress

from emulator.errors import EmulationError
from emulator.forecast import node_bytes
from emulator.linux.machine import available_memory, limit, mount_count
from emulator.plan import Plan, size_text
from emulator.state import NetworkState, state_root

_OTHER_MOUNTS = 16
"""Mounts of a network besides one for each node, with some to spare for commands run inside."""


def too_large(plan: Plan) -> list[str]:
    """Return every reason why this machine can't hold `plan`: what it needs, and what is there."""
    return [*_memory(plan), *_limits(plan)]


def _memory(plan: Plan) -> list[str]:
    available = available_memory()
    need = int(plan.counts.memory.sum()) - running_bytes(plan.topology.name)
    if available is None or need <= available:
        return []
    mend = "use a smaller network, or see with `emulator plan FILE --workers N` how many machines hold it"
    return [f"needs {size_text(need)}, this machine has {size_text(available)} available: {mend}"]


def running_bytes(name: str) -> int:
    """Return the forecast of what the network `name` holds already, in bytes; 0 when it isn't up.

    `up` of a network that is up needs memory for the difference only.
    """
    state = NetworkState(state_root(), name)
    with suppress(EmulationError):
        engine = state.read().engine
        if engine != "dry-run":
            return int(node_bytes(state.load(), engine=engine).sum())
    return 0


def _limits(plan: Plan) -> list[str]:
    full = plan.topology.fidelity_counts().get("full", 0)
    needs = {
        "fs.mount-max": (full + mount_count() + _OTHER_MOUNTS, "mounts in a mount namespace"),
        "user.max_net_namespaces": (full, "network namespaces"),
    }
    out = []
    for name, (need, what) in needs.items():
        most = limit(name)
        if full and most is not None and need > most:
            out.append(
                f"needs {need:,} {what}, the kernel allows {most:,}; `sysctl -w {name}={_rounded(need)}`"
            )
    return out


def _rounded(need: int) -> int:
    """Return the next power of two: room for other networks too."""
    return 1 << need.bit_length()
