"""UDP ports of VXLAN devices that can't be seen from here, because they were moved to other namespaces.

The kernel opens the port in the namespace in which the device was made, and closes it with the last of them.
All functions look at the network namespace of the calling thread: call them outside of `namespace_guard`.
"""

from __future__ import annotations

import time

from emulator.linux.ledgers.owners import Owner
from emulator.linux.ledgers.vni_ledger import VniLedger
from emulator.linux.machine.underlay import foreign_tunnels, namespace_number, udp_ports

_PATIENCE = 10.0
"""Seconds for the kernel to destroy the devices of a network that was taken down."""
_LOOK = 0.02


def hidden_ports(without: Owner | None = None) -> set[int]:
    """Return the UDP ports here that neither visible VXLAN devices nor networks in the ledger explain.

    The network of the owner `without` explains none.
    """
    known = {device.port for device in foreign_tunnels()}
    known |= {span.port for _, span in VniLedger().taken(namespace_number(), without)}
    return set(udp_ports() - known)


def release_vnis(owner: Owner) -> None:
    """Give the VNIs of `owner` back once the kernel has destroyed its devices; after `_PATIENCE` s at last.

    A namespace outlives its last process and file for as long as a socket in it is being closed, which may be
    after other namespaces have gone. Without this wait, an `up` right after `down` found a port that nothing
    explained, and refused to share it.
    """
    ledger = VniLedger()
    ports = {span.port for span in ledger.held(owner, namespace_number())}
    until = time.monotonic() + _PATIENCE
    while ports and not ports.isdisjoint(hidden_ports(owner)) and time.monotonic() < until:
        time.sleep(_LOOK)
    ledger.release(owner)
