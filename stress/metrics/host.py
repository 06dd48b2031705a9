"""Metrics of the machine: gauges, and counters that only grow. proc(5) explains the files.

Each reader is a function from text to numbers; a missing file (an older kernel, no root) gives
no numbers.
"""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from stress.metrics.figure_units import MODES

Numbers = dict[str, float]

_PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")
_PRESSURES = ("cpu", "memory", "io")


def gauges() -> Numbers:
    """Return the gauges: name -> number."""
    memory = psutil.virtual_memory()
    found: Numbers = dict(zip(("host.load.1", "host.load.5", "host.load.15"), os.getloadavg(), strict=True))
    found["host.memory.used"] = memory.total - memory.available
    found["host.memory.available"] = memory.available
    found["host.memory.cached"] = memory.cached
    found["host.memory.slab"] = memory.slab
    found |= sockets_of(_text("net/sockstat"))
    found |= namespaces_of(_text("slabinfo"))
    tables = _neighbours()
    if tables:
        found["host.neighbours"] = float(sum(entries for entries, _ in tables))
    interfaces = _text("net/dev").count(":")
    if interfaces:
        found["host.interfaces"] = interfaces
    return found


def counters() -> Numbers:
    """Return the counters: shares as seconds, the rest as counts. A rate is the growth per second."""
    found = stat_of(_text("stat")) | softirqs_of(_text("softirqs")) | softnet_of(_text("net/softnet_stat"))
    for kind in _PRESSURES:
        found |= pressure_of(kind, _text(f"pressure/{kind}"))
    tables = _neighbours()
    if tables:
        found["host.neighbours.full"] = float(sum(full for _, full in tables))
    return found


def _neighbours() -> list[tuple[int, int]]:
    """Return the entries and overflows of the ARP and the IPv6 neighbour table; a machine has one of each."""
    texts = (_text(f"net/stat/{table}") for table in ("arp_cache", "ndisc_cache"))
    return [neighbours_of(text) for text in texts if text]


def _text(name: str) -> str:
    try:
        return (_PROC / name).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def sockets_of(text: str) -> Numbers:
    """Return the sockets in use by /proc/net/sockstat."""
    found: Numbers = {}
    for line in text.splitlines():
        words = line.split()
        if words[:2] == ["sockets:", "used"]:
            found["host.sockets"] = float(words[2])
        elif words[:2] == ["TCP:", "inuse"]:
            found["host.sockets.tcp"] = float(words[2])
    return found


def namespaces_of(text: str) -> Numbers:
    """Return the network namespaces by /proc/slabinfo, which only root may read."""
    for line in text.splitlines():
        if line.startswith("net_namespace "):
            return {"host.namespaces": float(line.split()[1])}
    return {}


def neighbours_of(text: str) -> tuple[int, int]:
    """Return the entries and overflows of a neighbour table by /proc/net/stat/arp_cache.

    One row per CPU, hexadecimal; the entries in each row are those of the whole table.
    """
    head, *rows = [line.split() for line in text.splitlines()] or [[]]
    if not rows or "table_fulls" not in head:
        return (int(rows[0][0], 16) if rows and len(head) > 1 else 0), 0
    at = head.index("table_fulls")
    return int(rows[0][0], 16), sum(int(row[at], 16) for row in rows)


def stat_of(text: str) -> Numbers:
    """Return CPU seconds by mode and core, context switches, interrupts by /proc/stat.

    User time includes guest time. `host.processes.*` are gauges in this file.
    """
    found: Numbers = {}
    cores = 0
    for line in text.splitlines():
        name, _, rest = line.partition(" ")
        if name == "cpu":
            spent = [int(word) / _TICK for word in rest.split()[: len(MODES)]]
            found |= {f"host.cpu.{mode}": seconds for mode, seconds in zip(MODES, spent, strict=False)}
            found["host.cpu.busy"] = sum(spent) - spent[3] - spent[4]
        elif name.startswith("cpu"):
            spent = [int(word) / _TICK for word in rest.split()[: len(MODES)]]
            found[f"host.cpu.core{name[3:]}"] = sum(spent) - spent[3] - spent[4]
            cores += 1
        elif name == "ctxt":
            found["host.context_switches"] = float(rest)
        elif name == "intr":
            found["host.interrupts"] = float(rest.split(" ", 1)[0])
        elif name in {"procs_running", "procs_blocked"}:
            found[f"host.processes.{name[6:]}"] = float(rest)
    for mode in ("busy", *MODES):
        if cores and f"host.cpu.{mode}" in found:
            found[f"host.cpu.{mode}"] /= cores
    return found


def softirqs_of(text: str) -> Numbers:
    """Return soft interrupts by kind, all CPUs, by /proc/softirqs."""
    found: Numbers = {}
    for line in text.splitlines()[1:]:
        kind, _, counts = line.partition(":")
        found[f"host.softirqs.{kind.strip().lower()}"] = float(sum(map(int, counts.split())))
    if found:
        found["host.softirqs.total"] = sum(found.values())
    return found


def softnet_of(text: str) -> Numbers:
    """Return packets processed, dropped and times squeezed, all CPUs, by /proc/net/softnet_stat."""
    rows = [[int(word, 16) for word in line.split()[:3]] for line in text.splitlines()]
    if not rows:
        return {}
    names = ("host.softnet.processed", "host.softnet.dropped", "host.softnet.squeezed")
    return dict(zip(names, (float(sum(column)) for column in zip(*rows, strict=True)), strict=True))


def pressure_of(kind: str, text: str) -> Numbers:
    """Return seconds stalled by /proc/pressure (Documentation/accounting/psi.rst)."""
    found: Numbers = {}
    for line in text.splitlines():
        scope, _, rest = line.partition(" ")
        total = rest.rpartition("total=")[2]
        if total.isdigit():
            found[f"host.pressure.{kind}.{scope}"] = int(total) * 1e-6
    return found
