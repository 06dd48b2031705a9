"""Ports of controllers on 127.0.0.1, in the namespace of the switches.

This loopback is the network's own. Ports never clash with those of the machine or of another network.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

from topologies.openflow import PORT, Controller

_FIRST_CHOICE = {"command": 0, "remote": 1, "learning": 2}
"""Who gets the port that it names where two name the same: a command may not listen elsewhere."""


def endpoints(controllers: Mapping[str, Controller]) -> dict[str, int]:
    """Return each controller's port on 127.0.0.1 by name, all different, in the order of `controllers`.

    A controller gets its own port if that is free, otherwise the next free one above.
    """
    ports: dict[str, int] = {}
    taken: set[int] = set()
    for name in sorted(controllers, key=lambda name: _FIRST_CHOICE[controllers[name].kind]):
        ports[name] = _free(controllers[name].port, taken)
        taken.add(ports[name])
    return {name: ports[name] for name in controllers}


def targets(controllers: Mapping[str, Controller], wanted: Iterable[Controller]) -> list[str]:
    """Return the targets of a switch with the controllers `wanted`, one for each: `tcp:127.0.0.1:6653`."""
    ports = endpoints(controllers)
    name_of = {controller: name for name, controller in controllers.items()}
    return [f"tcp:127.0.0.1:{ports[name_of[controller]]}" for controller in wanted]


def _free(port: int, taken: set[int]) -> int:
    for candidate in chain(range(port, 65536), range(PORT, port)):
        if candidate not in taken:
            return candidate
    raise ValueError("more controllers than ports")
