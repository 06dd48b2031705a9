"""Examine all workers at once, for `emulator doctor FILE`: what each lacks for a cluster's networks."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulator.carriers.protocol import Carrier, WorkerState
from emulator.engines.cluster.calls import Workers
from emulator.engines.cluster.facts import WorkerFacts, known_facts
from emulator.version import __version__
from emulator.worker_finding import WorkerFinding, clock_finding

_SOON = 14 * 24 * 3600.0
_DAY = 24 * 3600.0
_PING_SECONDS = 3.0
_NEEDED = ("vxlan links",)
"""Findings of a machine that tunnels need, beside the basic ones."""
_TOLD = ("kernel", "open files", "memory")
"""Findings that are told even if nothing is wrong, beside the limits of the kernel: they differ by worker."""


def examine(carrier: Carrier, options: Mapping[str, Any]) -> list[WorkerFinding]:
    """Return the findings of every worker: release, kernel, clock, certificate, underlay, paths."""
    every = known_facts(carrier, options)
    names = [one.name for one in every]
    workers = Workers(lambda: carrier, names, {})
    states = carrier.workers()
    out = [
        *_releases(every), *_certificates({name: states[name] for name in names if name in states}),
        *_clocks(workers), *_machines(workers), *_underlay(every), *_paths(workers, every),
    ]  # fmt: skip
    return sorted(out, key=lambda finding: names.index(finding.worker))


def _releases(every: Sequence[WorkerFacts]) -> Iterator[WorkerFinding]:
    for one in every:
        release = str(one.plain["release"])
        fix = f"install {__version__}, which this machine has"
        yield WorkerFinding(one.name, "release", release == __version__, release, fix)


def _certificates(states: Mapping[str, WorkerState]) -> Iterator[WorkerFinding]:
    now = time.time()
    for name, state in states.items():
        if state.certificate_end is not None:
            left = state.certificate_end - now
            words = f"valid for {left / _DAY:.0f} days" if left > 0 else "expired"
            fix = "make new ones (`emulator workers certs`), and start the worker again"
            yield WorkerFinding(name, "certificate", left > _SOON, words, fix)


def _clocks(workers: Workers) -> Iterator[WorkerFinding]:
    """Compare each clock with ours: half the round trip is the error."""
    for name in workers.names:
        before = time.time()
        there = float(workers.ask_one(name, "emulator.agent.facts:clock", {}).value)
        after = time.time()
        yield clock_finding(name, there - (before + after) / 2, (after - before) / 2)


def _machines(workers: Workers) -> Iterator[WorkerFinding]:
    for name, answer in workers.ask_all("emulator.agent.facts:findings").items():
        for found in answer.value:
            needed = found["basic"] or found["name"] in _NEEDED
            told = found["name"] in _TOLD or "." in found["name"]
            if needed or told or found["found"] == "missing":
                is_fine = found["found"] != "missing"
                yield WorkerFinding(name, found["name"], is_fine, found["value"], found["fix"], needed=needed)


def _underlay(every: Sequence[WorkerFacts]) -> Iterator[WorkerFinding]:
    most = max((one.mtu for one in every), default=0)
    for one in every:
        fix = "give it an address, or choose another `underlay` in the file"
        words = f"{one.address} on {one.device}, MTU {one.mtu:,}" if one.address else "no address for tunnels"
        yield WorkerFinding(one.name, "underlay", bool(one.address), words, fix)
        if one.address and one.mtu < most:
            fix = f"ip link set {one.device} mtu {most}"
            words = f"{one.mtu:,}, others have {most:,}: all links would be smaller"
            yield WorkerFinding(one.name, "underlay MTU", is_fine=False, value=words, fix=fix, needed=False)


def _paths(workers: Workers, every: Sequence[WorkerFacts]) -> Iterator[WorkerFinding]:
    """Ping between all pairs by packets as large as the smaller device allows, uncut."""
    able = [one for one in every if one.address]
    size = min((one.mtu for one in able), default=0)
    addresses = {one.address: one.name for one in able}
    each = {
        one.name: {
            "source": one.address, "size": size, "seconds": _PING_SECONDS,
            "addresses": [address for address in addresses if address != one.address],
        }
        for one in able
        if len(able) > 1
    }  # fmt: skip
    for name, answer in workers.ask("emulator.agent.facts:reaches", each).items():
        for address, why in answer.value.items():
            fix = f"let ICMP pass, and check the MTU of every switch on the way ({size:,} bytes)"
            words = why or f"{size:,} bytes pass uncut"
            yield WorkerFinding(name, f"path to {addresses[address]}", not why, words, fix)
