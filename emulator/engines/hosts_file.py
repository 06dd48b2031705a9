"""The /etc/hosts that commands inside nodes see: `ping h2` works without any DNS."""

from __future__ import annotations

from emulator.plan import Plan

_HEAD = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"


def hosts_text(plan: Plan) -> str:
    """Return the file's text: one line per address, in node order."""
    addresses = plan.forwarding.addresses
    lines = [
        f"{address.text} {name}\n"
        for node, name in enumerate(plan.topology.names)
        for address in addresses(node)
    ]
    return _HEAD + "".join(lines)
