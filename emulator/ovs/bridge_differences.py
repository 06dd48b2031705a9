"""Compare the settings of Open vSwitch bridges with the plan: one deviation per field. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from emulator.deviation import Deviation, missing
from emulator.ovs.bridges import Bridge

_FIELDS = {
    "dpid": "datapath ID",
    "mac": "MAC of the bridge",
    "datapath": "datapath type",
    "protocols": "protocols",
    "fail_mode": "fail mode",
    "controllers": "controllers",
}
"""The fields of a bridge that are compared as they are, and what people call them."""
_NONE = "none"


def differing(
    found: Mapping[str, Bridge], wanted: Mapping[str, Bridge], fresh: AbstractSet[str] = frozenset()
) -> list[Deviation]:
    """Return deviations of the bridges `found` from `wanted`.

    Ports in `fresh` are already reported as missing links. Additions by users are no deviation.
    """
    out: list[Deviation] = []
    for name, bridge in wanted.items():
        if name in found:
            out += _settings(found[name], bridge)
            out += _ports(found[name], bridge, fresh)
        else:
            out.append(missing(name, f"the bridge of {name}"))
    return out


def _settings(found: Bridge, wanted: Bridge) -> Iterator[Deviation]:
    for field, words in _FIELDS.items():
        has, should = getattr(found, field), getattr(wanted, field)
        if has != should:
            yield Deviation(wanted.name, words, _said(should), _said(has))
    for column in sorted({*found.enabled, *wanted.enabled}):
        has, should = (column in bridge.enabled for bridge in (found, wanted))
        if has != should:
            yield Deviation(wanted.name, column, str(should).lower(), str(has).lower())


def _ports(found: Bridge, wanted: Bridge, fresh: AbstractSet[str]) -> Iterator[Deviation]:
    for port, number in wanted.ports.items():
        if port in fresh:
            continue
        if port not in found.ports:
            yield Deviation(wanted.name, f"port {port}", "in its bridge", "outside")
            continue
        if found.ports[port] != number:
            yield Deviation(
                wanted.name, f"number of port {port}", _number(number), _number(found.ports[port])
            )
        has, should = found.odd.get(port, _NONE), wanted.odd.get(port, _NONE)
        if has != should:
            yield Deviation(wanted.name, f"settings of port {port}", should, has)


def with_additions(
    found: Mapping[str, Bridge], wanted: Mapping[str, Bridge], planned: Collection[str]
) -> dict[str, Bridge]:
    """Return `wanted` plus bridges and ports that users added: those not in `planned`, the plan's ports."""
    out = {name: bridge for name, bridge in found.items() if name not in wanted}
    for name, bridge in wanted.items():
        has = found.get(name, bridge)
        added = {port: number for port, number in has.ports.items() if port not in planned}
        odd = {port: words for port, words in has.odd.items() if port in added}
        out[name] = replace(bridge, ports={**bridge.ports, **added}, odd=odd) if added else bridge
    return out


def _said(value: str | tuple[str, ...]) -> str:
    return (value if isinstance(value, str) else ", ".join(value)) or _NONE


def _number(number: int) -> str:
    return str(number) if number else "any"
