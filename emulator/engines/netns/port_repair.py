"""The light ports of a running network: counted, compared, repaired; their links brought up and down."""

from __future__ import annotations

import numpy as np

from emulator.engines.link_changes import LinkChange
from emulator.errors import BrokenError, MissingError
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.observed.survey import Damage, Survey
from emulator.linux.observed.wanted import WantedState
from emulator.linux.overlay.devices.network import DeviceDamage, DeviceNetwork
from emulator.linux.overlay.find import open_maps
from emulator.linux.overlay.host_table import write_hosts
from emulator.linux.overlay.port_survey import count_ports
from emulator.linux.overlay.port_table import PortTable
from emulator.linux.overlay.repair import forget_moves, repair, restore_hosts
from emulator.linux.overlay.survey import OverlayDamage, OverlaySurvey
from emulator.overlay.plan import Overlay
from emulator.plan import Plan

PortsDamage = OverlayDamage | DeviceDamage
"""Deviations of light ports: by programs and maps, or with devices of their own."""


def device_network(plan: Plan, overlay: Overlay, store: NamespaceStore) -> DeviceNetwork:
    """Return the light ports of `overlay`, which have devices of their own."""
    return DeviceNetwork(overlay, plan.ports_up, store)


def existing_ports(plan: Plan, store: NamespaceStore) -> int:
    """Return how many light ports of this machine exist in the running network."""
    if plan.overlay is None:
        return 0
    if plan.overlay.ports.devices:
        with store.entered():
            return device_network(plan, plan.overlay, store).existing()
    first, members, nodes = plan.overlay.ports.first, plan.overlay.ports.members, plan.here.nodes
    try:
        with open_maps(plan.overlay, store) as maps:
            return count_ports(plan.overlay, maps, nodes[nodes >= first + members] - first)
    except MissingError:
        return 0


def look_at_all(plan: Plan, wanted: WantedState, store: NamespaceStore) -> tuple[Damage, PortsDamage]:
    """Compare all nodes, the light ports, and what carries them; compute hosts are read once."""
    with store.entered():
        if plan.overlay is None:
            return Survey(wanted, store).damage(), OverlayDamage()
        if plan.overlay.ports.devices:
            found = Survey(wanted, store).damage()
            return found, device_network(plan, plan.overlay, store).damage()
        ports = OverlaySurvey(plan.overlay, plan.ports_up, store)
        of_ports = ports.look_at_maps()
        damage = Survey(wanted, store, ports.readers()).damage()
        ports.look_at_namespaces(of_ports, plan.overlay.hosts_here)
    return damage, of_ports


def look_at_ports(plan: Plan, store: NamespaceStore) -> PortsDamage:
    """Compare the light ports, and what carries them, with `plan`."""
    if plan.overlay is None:
        return OverlayDamage()
    with store.entered():
        if plan.overlay.ports.devices:
            return device_network(plan, plan.overlay, store).damage()
        return OverlaySurvey(plan.overlay, plan.ports_up, store).damage()


def ports_are_whole(plan: Plan, store: NamespaceStore) -> bool:
    """Return whether all maps are as planned. Compute hosts aren't read one by one."""
    assert plan.overlay is not None  # noqa: S101 -- the caller has light ports
    if plan.overlay.ports.devices:
        return look_at_ports(plan, store).is_empty
    survey = OverlaySurvey(plan.overlay, plan.ports_up, store)
    with store.entered():
        return survey.look_at_maps().is_empty and survey.tenants_exist()


def repair_ports(plan: Plan, store: NamespaceStore, damage: PortsDamage) -> list[str]:
    """Restore the light ports of `plan`, and what carries them; return the deviations.

    The former places of ports that a killed command moved are forgotten.
    """
    if plan.overlay is not None:
        with store.entered():
            if isinstance(damage, DeviceDamage):
                device_network(plan, plan.overlay, store).repair(damage)
                return [str(deviation) for deviation in damage.deviations]
            if not damage.is_empty:
                repair(plan.overlay, plan.ports_up, store, damage)
            forget_moves(plan.overlay, store)
    return [str(deviation) for deviation in damage.deviations]


def change_ports(change: LinkChange, store: NamespaceStore) -> None:
    """Bring light ports up and down; follow changed next hops of the underlay, and uplinks that come up.

    A port whose place is gone follows the record once it is repaired.
    """
    old, new = change.old.overlay, change.new.overlay
    if old is None or new is None:
        return
    flipped = change.old.ports_up != change.new.ports_up
    moved = old.hosts != new.hosts
    ends = change.topology.ends[[link for link in change.ups if link < change.topology.full.link_count]]
    uplinked = [node for node in np.unique(ends).tolist() if node in new.hosts_here]
    if not (moved or flipped.any() or uplinked):
        return
    if new.ports.devices:
        with store.entered():
            device_network(change.new, new, store).flip(change.old.ports_up)
        return
    try:
        maps = open_maps(new, store)
    except MissingError as error:
        raise BrokenError(f"the links are recorded, but {error}") from error
    with maps:
        if moved:
            write_hosts(maps, new)
        table = PortTable(maps)
        for up in (False, True):
            rows = np.flatnonzero(flipped & (change.new.ports_up == up))
            slots = table.slots(new, rows)
            table.set_up(slots[table.exists(slots)], up=up)
        if uplinked:
            with store.entered():
                restore_hosts(new, change.new.ports_up, maps, store, uplinked)
