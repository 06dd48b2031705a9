"""Migration of light ports: the topology after it, and the reasons why one can't be. Pure."""

from __future__ import annotations

from dataclasses import replace

from emulator.errors import RefusedError, UsageError
from emulator.overlay.plan import Overlay
from topologies.light_devices import MOST_DEVICES
from topologies.topology import Topology


def destination(overlay: Overlay, row: int, host: int) -> tuple[int, int]:
    """Return the device behind which the port of `row` lives on compute host `host`, and the host's vtep.

    Raises UsageError when the host is no compute host, RefusedError when it has no namespace for the port's
    address space, or no room for another device.
    """
    ports = overlay.ports
    port, name = ports.names[row + ports.first], ports.names[host]
    found = overlay.hosts.get(host)
    if found is None:
        raise UsageError(f"`{name}` is no compute host: it carries no light ports; choose another")
    space = int(ports.space[row])
    if overlay.spaces_of_host[host] == space:
        return found.uplink, found.vtep
    device = next((one.device for one in overlay.tenants_of(host) if one.space == space), None)
    if device is None:
        words = (
            "for its VPC" if ports.devices else f"for the addresses of `{port}`, which other VPCs use there"
        )
        fix = "link the port to it in the file, then `emulator up FILE`"
        raise RefusedError([f"`{name}` has no namespace {words}; {fix}"])
    if ports.devices and int((ports.host == host).sum()) >= MOST_DEVICES and int(ports.host[row]) != host:
        words = f"`{name}` carries {MOST_DEVICES} ports with a device already, which is the maximum"
        raise RefusedError([f"{words}; choose another compute host"])
    return device, found.vtep


def with_port_on(topology: Topology, row: int, overlay: Overlay, host: int) -> Topology:
    """Return `topology` with the light port of `row` linked to the compute host `host`, at its next port.

    What its former host has for ports stays there, also without any: they may return.
    """
    link = int(overlay.ports.link[row])
    ends, ports = topology.ends.copy(), topology.ports.copy()
    end = int(ends[link, 0] >= overlay.ports.first)  # that of the compute host
    taken = ports[topology.ends == host]
    ends[link, end], ports[link, end] = host, int(taken.max(initial=-1)) + 1
    return replace(topology, ends=ends, ports=ports, carried=overlay.ports.pairs)
