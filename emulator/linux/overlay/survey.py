"""Compare the data path of a running network with its plan: compute hosts, tenants' namespaces, ports."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from emulator.deviation import Deviation, missing
from emulator.errors import KernelError, MissingError
from emulator.linux.bpf.program import Program
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import Netlink
from emulator.linux.netlink.dumps import Dumping
from emulator.linux.observed.read import Reader
from emulator.linux.overlay.find import open_maps
from emulator.linux.overlay.host_messages import host_name, tenant_name
from emulator.linux.overlay.host_table import unlike_hosts
from emulator.linux.overlay.items import TENANT_DEVICE, host_items, tenant_items, without_devices
from emulator.linux.overlay.maps import OverlayMaps
from emulator.linux.overlay.port_survey import PortDamage, PortSurvey
from emulator.linux.overlay.read_items import FoundItems, read_items
from emulator.overlay.plan import ComputeHost, Overlay, Tenant

_MOST_ITEMS = 3
"""Most items of a namespace that are named one by one."""


@dataclass
class OverlayDamage:
    """Deviations of the data path, and what is to be repaired.

    `maps` is False when nothing leads to maps any more: all is made again. `hosts` and `tenants` have what
    was found in the namespaces that deviate. `tables`: the maps of hosts and VPCs differ.
    """

    deviations: list[Deviation] = field(default_factory=list)
    maps: bool = True
    hosts: dict[int, FoundItems] = field(default_factory=dict)
    tenants: dict[Tenant, FoundItems] = field(default_factory=dict)
    tables: bool = False
    ports: PortDamage | None = None

    @property
    def is_empty(self) -> bool:
        """True when nothing deviates."""
        return not self.deviations


class OverlaySurvey:
    """Compares the network in `store` with `overlay`. Call inside the store's mount namespace.

    `up` (bool[k]) tells which ports shall be up. Leaves the thread in some namespace.
    """

    def __init__(self, overlay: Overlay, up: npt.NDArray[np.bool_], store: NamespaceStore) -> None:
        self._overlay, self._up, self._store = overlay, up, store
        self._ours: dict[int, bool] = {}
        self._known: dict[int, FoundItems] = {}
        self._map = -1

    def damage(self) -> OverlayDamage:
        """Return the differences. Namespaces of compute hosts that are gone are left to `Survey`."""
        out = self.look_at_maps()
        self.look_at_namespaces(out, self._overlay.hosts_here)
        return out

    def look_at_maps(self) -> OverlayDamage:
        """Return the differences in the maps alone."""
        out = OverlayDamage()
        try:
            maps = open_maps(self._overlay, self._store)
        except MissingError:
            out.maps = False
            words = Deviation("light ports", "programs and maps of all ports", "present", "missing")
            out.deviations.append(words)
        else:
            with maps:
                self.use(maps)
                for name in unlike_hosts(maps, self._overlay):
                    out.tables = True
                    out.deviations.append(Deviation("light ports", f"map {name}", "as planned", "changed"))
                out.ports = PortSurvey(self._overlay, self._up, maps).damage()
                out.deviations += out.ports.deviations
        return out

    def tenants_exist(self) -> bool:
        """Return whether all tenants' namespaces exist."""
        return {tenant.file for tenant in self._overlay.tenants_here} <= set(self._store.files())

    def use(self, maps: OverlayMaps) -> None:
        """Count only programs that use `maps` as those of this network."""
        self._map = maps.port_map.id

    def look_at_namespaces(self, out: OverlayDamage, hosts: Iterable[int]) -> None:
        """Add to `out` the deviations of compute hosts (nodes), and of the namespaces of tenants there."""
        files = frozenset(self._store.files())
        for node in hosts:
            for tenant in self._overlay.tenants_of(node):
                self._look_at_tenant(out, tenant, files)
            if host_name(self._overlay, node) in files:
                self._look_at_host(out, self._overlay.hosts[node])

    def readers(self) -> dict[int, Reader]:
        """Return readers for the compute hosts, which aren't read again then. Look at maps first."""
        return {node: partial(self._note, host) for node, host in self._overlay.hosts_here.items()}

    def _note(self, host: ComputeHost, netlink: Dumping) -> None:
        self._known[host.node] = read_items(netlink, self._devices(host), self._belongs)

    def _devices(self, host: ComputeHost) -> list[int]:
        tenants, members = self._overlay.tenants_of(host.node), self._overlay.members_of(host.node)
        return [host.uplink, *(one.device for one in tenants), *(one.device for one in members)]

    def _belongs(self, program: int) -> bool:
        """Return whether a program uses this network's maps."""
        if program not in self._ours:
            try:
                with Program.from_id(program) as found:
                    self._ours[program] = self._map in found.map_ids()
            except KernelError:  # gone meanwhile
                return False
        return self._ours[program]

    def _look_at_host(self, out: OverlayDamage, host: ComputeHost) -> None:
        tenants = self._overlay.tenants_of(host.node)
        name = host_name(self._overlay, host.node)
        found = self._known.pop(host.node, None) or self._read(name, self._devices(host))
        if host.uplink not in found.devices:
            return  # a missing link, which `Survey` reports
        members = self._overlay.members_of(host.node)
        cut_off = [one.device for one in members if one.device not in found.devices]  # so are these
        wanted = without_devices(host_items(self._overlay, host), cut_off)
        lost = [tenant for tenant in tenants if not found.devices.get(tenant.device)]
        for tenant in lost:
            if tenant.device not in found.devices:
                out.tenants.setdefault(tenant, FoundItems())
            out.deviations.append(
                Deviation(name, f"device of address space {tenant.space}", "up", "missing or down")
            )
        differences = item_deviations(name, wanted, found.items)
        if lost or differences:
            out.hosts[host.node] = found
            out.deviations += differences

    def _look_at_tenant(self, out: OverlayDamage, tenant: Tenant, files: frozenset[str]) -> None:
        name = tenant_name(self._overlay, tenant)
        if tenant.file not in files:
            out.tenants[tenant] = FoundItems()
            out.deviations.append(missing(host_name(self._overlay, tenant.host), f"namespace of {name}"))
            return
        found = self._read(tenant.file, [])
        differences = item_deviations(name, tenant_items(self._overlay, tenant), found.items)
        for index, words in ((messages.LOOPBACK, "lo"), (TENANT_DEVICE, "eth0")):
            if not found.devices.get(index):
                state = "down" if index in found.devices else "missing"
                differences.append(Deviation(name, f"device {words}", "present and up", state))
        if differences:
            out.tenants[tenant] = found
            out.deviations += differences

    def _read(self, file: str, devices: Sequence[int]) -> FoundItems:
        self._store.go(file)
        with Netlink() as netlink:
            return read_items(netlink, devices, self._belongs)


def item_deviations(
    name: str,
    wanted: Sequence[Hashable],
    found: AbstractSet[Hashable],
    kinds: str = "programs, routes and rules",
) -> list[Deviation]:
    """Return what a namespace lacks or has too much, or one deviation when it is much (of `kinds`)."""
    planned = set(wanted)
    lacking = [item for item in wanted if item not in found]
    extra = sorted(map(str, found - planned))
    if len(lacking) > _MOST_ITEMS:
        out = [Deviation(name, f"{kinds} of its light ports", "present", "missing")]
    else:
        out = [Deviation(name, str(item), "present", "missing") for item in lacking]
    return out + [Deviation(name, words, "missing", "present") for words in extra]
