"""What another plan has no more of light ports: their processes end, namespaces of their VPCs go."""

from __future__ import annotations

from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.nodes.release import release_named
from emulator.linux.nodes.teardown import Sentinel
from emulator.overlay.difference import OverlayDifference


def release_gone_ports(difference: OverlayDifference, store: NamespaceStore) -> None:
    """End the processes of the light ports on this machine that the new plan lacks. BrokenError if one stays.

    Members are nodes of their own.
    """
    old, gone = difference.old, difference.gone
    if old is None:
        return
    names, first, files = old.ports.names, old.ports.first, old.namespaces.files
    release = {}
    for row in gone[gone >= old.ports.members].tolist():
        host, tenant = int(old.ports.host[row]), int(old.tenant[row])
        if host in old.hosts_here:
            release[names[first + row]] = files[tenant] if tenant >= 0 else old.underlay.names[host]
    release_named(store, release)


def release_gone_tenants(difference: OverlayDifference, store: NamespaceStore) -> None:
    """Remove the namespaces that the new plan lacks, or that it has behind other devices."""
    old, new = difference.old, difference.new
    kept = {} if new is None else {one.file: one.device for one in new.tenants_here}
    tenants = () if old is None else old.tenants_here
    gone = [one.file for one in tenants if kept.get(one.file) != one.device]
    if gone:
        sentinel = Sentinel()
        release_named(store, dict(zip(gone, gone, strict=True)))
        sentinel.wait()
