"""Whether the kernel can translate addresses as nodes with a way to the machine need it."""

from __future__ import annotations

import os

from emulator.errors import KernelError
from emulator.linux import nftables
from emulator.linux.namespaces.guard import namespace_guard
from emulator.linux.namespaces.rights import lacking_rights
from emulator.linux.namespaces.syscalls import CLONE_NEWNET, unshare

FIX = "use a kernel with nf_tables and its nat (CONFIG_NF_TABLES, CONFIG_NFT_MASQ, CONFIG_NFT_NAT)"


def has_nat() -> bool | None:
    """Return whether the kernel can translate addresses; None where this process may not try it."""
    return None if os.geteuid() or lacking_rights() else not lacking_nat()


def lacking_nat() -> str:
    """Return why the kernel can't translate addresses, tried in a namespace of its own; "" if it can."""
    if reason := lacking_rights():  # the guard could not come back from another namespace
        return reason
    with namespace_guard("net"):
        try:
            unshare(CLONE_NEWNET)
        except KernelError as error:  # no more namespaces are allowed
            return f"{error}"
        return nftables.lacking_nat()
