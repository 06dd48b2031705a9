"""Netlink messages that make a compute host, or a tenant's namespace on it, carry light ports."""

from __future__ import annotations

from typing import NamedTuple

from emulator.indices import port_index
from emulator.linux.netlink import anyip_messages, messages
from emulator.linux.netlink.bpf_filter import EGRESS, INGRESS, bpf_filter, clsact
from emulator.linux.netlink.connection import Batch
from emulator.linux.overlay.programs import Programs
from emulator.overlay.plan import ComputeHost, Overlay, Tenant

TENANT_DEVICE, TENANT_INTERFACE = port_index(0), "eth0"
"""Index and name of the only device in a tenant's namespace."""
FROM_STACK, FROM_DEVICE, FROM_WIRE = "em_from_stack", "em_from_device", "em_from_wire"
"""Names of the filters."""


class _Device(NamedTuple):
    """A device that has the ports of an address space.

    `source` is the address of processes without an identity, `mtu` that of the ports.
    """

    number: int
    space: int
    source: bytes
    mtu: int


class HostMessages:
    """Writes the batches of an overlay's namespaces; errors name the node."""

    def __init__(self, overlay: Overlay, programs: Programs) -> None:
        self._overlay = overlay
        self._programs = programs
        self._names = overlay.underlay.names

    def host(self, host: ComputeHost) -> Batch:
        """Return the batch for a compute host, sent in its namespace once its tenants' devices exist."""
        batch, name, index = Batch(), self._names[host.node], host.uplink
        self._filters(batch, index, (INGRESS, self._programs.from_wire, FROM_WIRE), name)
        space = self._overlay.spaces_of_host[host.node]
        if space >= 0:
            self._filter(batch, index, (EGRESS, self._programs.from_stack, FROM_STACK), name)
            self._anyip(batch, _Device(index, space, host.vtep.to_bytes(4), host.mtu), name)
        for tenant in self._overlay.tenants_of(host.node):
            self._filters(batch, tenant.device, (INGRESS, self._programs.from_device, FROM_DEVICE), name)
        return batch

    def tenant(self, tenant: Tenant, host: ComputeHost, namespace: int) -> Batch:
        """Return the batch for a tenant's namespace, sent inside; `namespace` is the host's descriptor."""
        batch, name = Batch(), f"{self._names[tenant.host]}, address space {tenant.space}"
        batch.add(messages.link_up(messages.LOOPBACK), "bring up lo of", name)
        made = messages.veth(
            f"space{tenant.space}".encode(), tenant.device, _mac(tenant, 0), namespace, 0, up=True,
            peer_name=TENANT_INTERFACE.encode(), peer_index=TENANT_DEVICE, peer_mac=_mac(tenant, 1),
            mtu=host.mtu,
        )  # fmt: skip
        batch.add(made, "make the device of", name)
        batch.add(messages.no_link_local(TENANT_DEVICE), "quieten", name)
        batch.add(messages.link_up(TENANT_DEVICE), "bring up the device of", name)
        base, _ = self._overlay.ports.vpcs.networks[tenant.space][0]
        self._anyip(batch, _Device(TENANT_DEVICE, tenant.space, base.to_bytes(4), host.mtu), name)
        return batch

    def _filters(self, batch: Batch, index: int, one: tuple[int, int, str], name: str) -> None:
        batch.add(clsact(index), "prepare for programs a device of", name)
        self._filter(batch, index, one, name)

    def _filter(self, batch: Batch, index: int, one: tuple[int, int, str], name: str) -> None:
        batch.add(bpf_filter(index, *one), f"attach {one[2]} in", name)

    def _anyip(self, batch: Batch, device: _Device, name: str) -> None:
        """Append the messages by which the namespace owns all addresses of an address space."""
        index, space, source, mtu = device
        networks = [(base.to_bytes(4), length) for base, length in self._overlay.ports.vpcs.networks[space]]
        batch.add(anyip_messages.accept_any(index), "prepare for ports a device of", name)
        next_hop = messages.neighbour(index, anyip_messages.NEXT_HOP, anyip_messages.NEXT_HOP_MAC)
        batch.add(next_hop, "set the next hop of", name)
        for packed, length in networks:
            batch.add(anyip_messages.local_network(index, packed, length), "make ports local in", name)
        for packed, length in networks:
            made = anyip_messages.way_out(index, packed, length, source, mtu)
            batch.add(made, "add the way to ports in", name)
        for made in anyip_messages.rules(networks):
            batch.add(made, "add a rule in", name)


def _mac(tenant: Tenant, end: int) -> bytes:
    """Return the MAC of one end of a tenant's device: it is seen by nobody but the two ends."""
    return bytes((0x0A, end)) + tenant.device.to_bytes(4)
