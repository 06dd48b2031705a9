"""Facts of one node for people: `emulator status NAME NODE`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from topologies.counting import counted

_SHOWN = 16


def node_lines(facts: Mapping[str, Any]) -> list[str]:
    """Return the lines that `status NAME NODE` prints."""
    state = f", {facts['state']}" if "state" in facts else ""
    lines = [f"{facts['name']}: {facts['kind']} ({facts['tier']}), {facts['fidelity']}{state}"]
    if "vpc" in facts:
        moved = ", moved from where the file has it" if facts.get("moved") else ""
        lines.append(
            f"  VPC {facts['vpc']} (VNI {facts['vni']}), MAC {facts['mac']}, on {facts['host']}{moved}"
        )
    addresses = facts["addresses"]
    if addresses:
        lines.append(f"  addresses: {', '.join(addresses[:_SHOWN])}" + (", …" if addresses[_SHOWN:] else ""))
    lines.append(
        f"  namespace {facts['namespace']} on {facts['worker']}, {counted(facts['link_count'], 'link')}"
    )
    lines += [
        f"  port {link['port']} to {link['peer']}: {'up' if link['up'] else 'down'}"
        for link in facts["links"][:_SHOWN]
    ]
    lines += [
        f"  {way['interface']}: interface of the machine" if way["interface"] == way["machine_interface"]
        else f"  {way['interface']} to {way['machine_interface']} on the machine"
        for way in facts.get("machine", ())
    ]  # fmt: skip
    if facts["link_count"] > _SHOWN:
        lines.append(f"  … and {facts['link_count'] - _SHOWN:,} more")
    lines += [
        f"  service {one['name']}: {one['state']}"
        + (f", {counted(one['restarts'], 'restart')}" if one["restarts"] else "")
        + f", log {one['log']}"
        for one in facts.get("services", ())
    ]
    counters = facts.get("counters")
    if counters:
        received, sent = (
            f"{counters[f'{way}_packets']:,} packets, {counters[f'{way}_bytes']:,} bytes"
            for way in ("rx", "tx")
        )
        lines.append(f"  received {received}; sent {sent}; dropped {counters['dropped']:,}")
    return lines
