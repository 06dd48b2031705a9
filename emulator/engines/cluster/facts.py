"""Facts of a cluster's workers, asked before each `up`, and what they mean for a plan."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from emulator.carriers.protocol import Carrier
from emulator.engines.cluster.calls import Workers
from emulator.errors import RefusedError, UnableError
from emulator.tasks import Plain
from emulator.tunnels import MOST_VNIS, VXLAN_PORT
from emulator.version import __version__
from topologies.counting import counted_by_name

_SPARE = 0.9
"""Share of a worker's available memory that nodes may take."""


@dataclass(frozen=True)
class WorkerFacts:
    """A worker, the address and device that its tunnels use (empty: none fits), and the device's MTU."""

    name: str
    memory: int | None
    processors: int
    address: str
    device: str
    mtu: int
    plain: Mapping[str, Plain]


def known_facts(carrier: Carrier, options: Mapping[str, Any]) -> list[WorkerFacts]:
    """Return the facts of the workers to use: those that the options name, else all, by name.

    UnableError if there are none, or a named one isn't there.
    """
    states = carrier.workers()
    wanted = [str(worker["name"]) for worker in options.get("workers", ())]
    lost = [name for name in wanted if name not in states]
    if lost:
        there = ", ".join(sorted(states)) or "none"
        raise UnableError(f"{counted_by_name(lost, 'worker')} can't be reached at {carrier.address}; "
                          f"the workers there are: {there}")  # fmt: skip
    names = wanted or sorted(states, key=_natural)
    if not names:
        raise UnableError(
            f"no worker is at {carrier.address}; start one (`emulator workers local 2` starts two here)"
        )
    found = Workers(lambda: carrier, names, {}).ask_all("emulator.agent.facts:facts")
    underlay = options.get("underlay") or {}
    return [worker_facts(name, found[name].value, underlay, _host(states[name].address)) for name in names]


def _natural(name: str) -> tuple[str, int, str]:
    """Order w2 before w10."""
    digits = name[len(name.rstrip("0123456789")) :]
    return name.removesuffix(digits), int(digits or 0), name


def _host(address: str) -> str:
    """Return the IP address in a carrier's address of a worker; empty where there is none."""
    host = address.rpartition("//")[2]
    host = host.rpartition(":")[0] if host.count(":") == 1 or "]" in host else host
    host = host.strip("[]")
    try:
        ip_address(host)
    except ValueError:
        return ""
    return host


def worker_facts(name: str, plain: Mapping[str, Any], underlay: Mapping[str, Any], heard: str) -> WorkerFacts:
    """Return the facts of a worker that answered `plain`, with the underlay that the options choose.

    Without a choice it is the device that the carrier reaches the worker by, else the first one with an
    address.
    """
    best = ("", "", 0)
    rank = 3
    for device in plain["devices"]:
        for address in device["addresses"]:
            fits = _rank(device, address, underlay, heard)
            if fits < rank:
                rank, best = fits, (address, device["name"], int(device["mtu"]))
    return WorkerFacts(name, plain["memory"], plain["processors"], *best, plain)


def _rank(device: Mapping[str, Any], address: str, underlay: Mapping[str, Any], heard: str) -> int:
    """Return how well an address suits: 0 best, 3 not at all."""
    if not device["up"]:
        return 3
    if underlay.get("device") and device["name"] != underlay["device"]:
        return 3
    if underlay.get("address"):
        return 0 if ip_address(address) in ip_network(underlay["address"], strict=False) else 3
    if address == heard:
        return 0
    return 1 if ip_address(address).version == 4 else 2


def usable_memory(facts: WorkerFacts) -> int | None:
    """Return the memory that nodes may take on a worker, in bytes."""
    return None if facts.memory is None else int(facts.memory * _SPARE)


def require_alike(every: Sequence[WorkerFacts]) -> None:
    """Raise RefusedError for workers with another release than this machine's, or without root."""
    reasons = [
        f"{one.name}: it has release {one.plain['release']}, this machine {__version__}; "
        f"install the same release on both"
        for one in every
        if one.plain["release"] != __version__
    ]
    reasons += [
        f"{one.name}: the worker doesn't run as root; start it as root"
        for one in every
        if not one.plain["root"]
    ]
    if reasons:
        raise RefusedError(reasons)


NO_UNDERLAY = "no_underlay"
"""Option of a plan in place of a complete `underlay`: the reasons why its workers can't have tunnels."""


def underlay_of(every: Sequence[WorkerFacts], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the option `underlay` of a plan: VNIs that no worker uses, port, MTU, addresses, devices.

    NO_UNDERLAY where a worker has no address for tunnels, or no VNIs are free.
    """
    chosen = options.get("underlay") or {}
    wanted = " ".join(f"{key} {chosen[key]}" for key in ("device", "address") if chosen.get(key))
    lacking = [
        f"{one.name}: no device that is up has an address for tunnels"
        + (f" ({wanted})" if wanted else "")
        + "; choose another `underlay`, or give one an address"
        for one in every
        if not one.address
    ]
    if lacking:
        return {"underlay": None, NO_UNDERLAY: lacking}
    port = int(chosen.get("port") or VXLAN_PORT)
    taken = [
        (int(span["first"]), int(span["first"]) + int(span["count"]))
        for one in every
        for span in one.plain.get("vnis", ())
        if span["port"] == port
    ]
    vni = free_vnis(taken)
    if not vni:
        return {"underlay": None, NO_UNDERLAY: _all_taken(every, port)}
    found = {
        **chosen,
        "vni": vni,
        "port": port,
        "mtu": min((one.mtu for one in every), default=0),
        "addresses": {one.name: one.address for one in every},
        "devices": {one.name: one.device for one in every},
    }
    return {"underlay": found}


def _all_taken(every: Sequence[WorkerFacts], port: int) -> list[str]:
    """Return why no VNI is free: by name, who has all those of the UDP port `port` on a worker."""
    holders = [
        f"{one.name}: {span['holder']} uses UDP port {port}, and so all its VNIs; choose another one, for "
        f"example `underlay: {{port: {port + 1}}}`"
        for one in every
        for span in one.plain.get("vnis", ())
        if span["port"] == port and span["count"] >= MOST_VNIS
    ]
    return holders or ["no VNIs are free on all workers; take other networks down"]


_FIRST_VNI = 1 << 16
"""Lower numbers are what people and other programs choose by hand."""
_BLOCK = 1 << 10
"""Networks begin at multiples, so that each has room to grow."""


def free_vnis(taken: Sequence[tuple[int, int]], draw: Callable[[int], int] = secrets.randbelow) -> int:
    """Return a first VNI in the largest gap between `taken` (first, end), at a block; 0 if there is none.

    `draw(n)` chooses one of the blocks in the first half of the gap: clients that plan at the same time would
    meet at its beginning, and each be refused on a worker.
    """
    best, size, at = 0, 0, _FIRST_VNI
    for first, end in [*sorted(taken), (MOST_VNIS, MOST_VNIS)]:
        if first - at > size:
            best, size = at, first - at
        at = max(at, -(-end // _BLOCK) * _BLOCK)
    return best + _BLOCK * draw(max(1, size // (2 * _BLOCK))) if best else 0
