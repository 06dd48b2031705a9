"""Restore settings of nodes' namespaces: sysctls of interfaces, rules, 127.0.0.1."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path

from emulator.indices import LOOPBACK_INDEX
from emulator.linux.namespaces.store import NamespaceStore
from emulator.linux.netlink import messages
from emulator.linux.netlink.connection import NLM_F_REQUEST, Batch, Netlink
from emulator.linux.netlink.messages import NLM_F_CREATE, NLM_F_EXCL
from emulator.linux.observed.findings import Reset
from emulator.linux.observed.namespace import LOCALHOST
from emulator.linux.observed.parse import FRA_PRIORITY, FRA_TABLE, RULE, TO_TABLE
from emulator.linux.observed.survey import Damage
from emulator.node_namespaces import NodeNamespaces

_CONF = {
    messages.AF_INET: Path("/proc/sys/net/ipv4/conf"),
    messages.AF_INET6: Path("/proc/sys/net/ipv6/conf"),
}
_RTM_NEWRULE, _SCOPE_HOST = 32, 254
_NO_ADDRESS = "1"
"""IN6_ADDR_GEN_MODE_NONE."""


def allow_ipv6(namespaces: NodeNamespaces, store: NamespaceStore, damage: Damage) -> None:
    """Enable IPv6 on interfaces without their IPv6 addresses: while disabled, the kernel accepts none.

    Call inside the store's mount namespace.
    """
    for node, findings in damage.findings.items():
        if findings.reset.ipv6:
            store.go(namespaces.file(node))
            for interface in ("all", *findings.reset.ipv6):
                _switch(_CONF[messages.AF_INET6] / interface / "disable_ipv6", "1", "0")


def reset_namespaces(namespaces: NodeNamespaces, store: NamespaceStore, damage: Damage) -> None:
    """Restore all other settings of the namespaces. Call inside the store's mount namespace."""
    for node, findings in damage.findings.items():
        if not findings.reset.is_empty:
            store.go(namespaces.file(node))
            _reset_here(findings.reset, namespaces.names[node])


def _reset_here(reset: Reset, name: str) -> None:
    for family, interface in reset.forwarding:
        _switch(_CONF[family] / interface / "forwarding", "0", "1")
    for interface in reset.link_local:
        _add_link_local(_CONF[messages.AF_INET6] / interface / "addr_gen_mode")
    batch = Batch()
    for family, priority, table in reset.rules:
        batch.add(_rule(family, priority, table), f"add rule {priority} of", name)
    if reset.localhost:
        batch.add(
            messages.address(LOOPBACK_INDEX, LOCALHOST, 8, scope=_SCOPE_HOST), "give 127.0.0.1 to", name
        )
    if batch:
        with Netlink() as netlink:
            netlink.run(batch, ignore=frozenset({errno.EEXIST}))


def _switch(file: Path, before: str, after: str) -> None:
    """Write `after` if `file` contains `before`. The interface may vanish meanwhile."""
    with suppress(FileNotFoundError):
        if file.read_text(encoding="ascii").strip() == before:
            file.write_text(after, encoding="ascii")


def _add_link_local(mode: Path) -> None:
    """Change an interface's address mode, so that the kernel adds its link-local address."""
    with suppress(FileNotFoundError):
        before = mode.read_text(encoding="ascii").strip()
        mode.write_text(_NO_ADDRESS, encoding="ascii")
        mode.write_text(before, encoding="ascii")


def _rule(family: int, priority: int, table: int) -> bytes:
    """Return the message that adds a rule for all packets."""
    body = RULE.pack(family, 0, 0, 0, table, TO_TABLE, 0)
    parts = messages.u32(FRA_PRIORITY, priority) + messages.u32(FRA_TABLE, table)
    return messages.message(_RTM_NEWRULE, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL, body + parts)
