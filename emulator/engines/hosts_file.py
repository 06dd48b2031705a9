"""The /etc/hosts for commands inside nodes: `ping h2` works without DNS."""

from __future__ import annotations

from emulator.plan_part import PlanPart

_HEAD = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"


def hosts_text(part: PlanPart) -> str:
    """Return the file's text for the nodes of `part`: one line per address, in node order."""
    names, addresses = part.names, part.addresses
    lines = [
        f"{text} {names[position]}\n"
        for text, position in zip(addresses.texts(), addresses.position.tolist(), strict=True)
    ]
    return _HEAD + "".join(lines)
