"""Units of figures by name, and the metrics that are sampled.

| metric | unit | meaning |
|---|---|---|
| host.cpu.busy, .user, .system, .softirq, ... | share | of all CPUs together, 0 to 1; modes as in proc(5) |
| host.cpu.core0, ... | share | how busy one CPU was |
| host.load.1, .5, .15 | count | load averages |
| host.memory.used, .available, .cached, .slab | bytes | used: total less available |
| host.sockets, host.sockets.tcp | count | of the network namespace that this process is in |
| host.namespaces | count | network namespaces, by the kernel's slab; it lags by a batch; needs root |
| host.interfaces | count | of the namespace that this process is in |
| host.neighbours | count | entries of the ARP and IPv6 neighbour tables, of all namespaces together |
| host.neighbours.full | per second | how often they had no room for one more |
| host.rtnl.wait | seconds | longest wait for the kernel's lock on networks, since the last sample |
| host.processes.running, .blocked | count | |
| host.context_switches, host.interrupts, host.softirqs.net_rx, ... | per second | |
| host.pressure.cpu.some, .memory.full, ... | share | of time tasks stalled (PSI), where the kernel has it |
| host.softnet.processed, .dropped, .squeezed | per second | packets of the backlog, all CPUs |
| port.NAME.rx_bytes, .tx_packets, .rx_dropped, .tx_errors, ... | per second | of chosen ports |
| light.rx_bytes, .tx_packets, .dropped, ... | per second | of all light ports |
| vpc.NAME.rx_bytes, ..., compute.NAME.rx_bytes, ... | per second | of those of a VPC, of a compute host |
| worker.NAME.host.cpu.busy, ... | as above | of the machine of a worker of a cluster; not of its cores |
| run.memory | bytes | of the runner and of what runs in the network: what they have for themselves |
| process.NAME.cpu, .rss, .fds | share of a core, bytes, count | runner, Open vSwitch, controllers |
| process.machine.NAME.cpu, ... | as above | of controllers outside of the network |
"""

from __future__ import annotations

import re

from emulator.tasks import PORT_COUNTERS
from stress.metrics.figure_table import figure_of

MODES = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
COUNTERS = ("rx_packets", "tx_packets", "rx_bytes", "tx_bytes", "rx_errors", "tx_errors",
            "rx_dropped", "tx_dropped")  # fmt: skip
"""The first fields of struct rtnl_link_stats64 (linux/if_link.h), in its order."""

_PLAIN = (
    *(f"cpu.{mode}" for mode in ("busy", *MODES)), "cpu.core0", "load.1", "load.5", "load.15",
    "memory.used", "memory.available", "memory.cached", "memory.slab", "sockets", "sockets.tcp", "namespaces",
    "interfaces", "neighbours", "neighbours.full", "rtnl.wait", "processes.running", "processes.blocked",
    "context_switches", "interrupts",
    "softirqs.total", "softirqs.net_rx", "softirqs.net_tx", "softirqs.timer", "pressure.cpu.some",
    "pressure.memory.some",
    "pressure.memory.full", "pressure.io.some", "pressure.io.full", "softnet.processed", "softnet.dropped",
    "softnet.squeezed",
)  # fmt: skip
HOST = tuple(f"host.{name}" for name in _PLAIN)
"""Names that may be sampled of the machine; cores have a number each."""
RUN = ("run.memory",)
"""Names that are sampled of the run alone."""


def unit_of(name: str) -> str:
    """Return the unit of a sampled metric: share, bytes, count, rate or byterate."""
    name = _of_machine(name)
    if name.startswith(("host.cpu.", "host.pressure.")) or name.endswith(".cpu"):
        return "share"
    if name.startswith("host.memory.") or name in RUN or name.endswith(".rss"):
        return "bytes"
    if name == "host.rtnl.wait":
        return "seconds"
    if name.startswith(("port.", "light.", "vpc.", "compute.")):
        return "byterate" if name.endswith("_bytes") else "rate"
    rates = (
        "host.context_switches",
        "host.interrupts",
        "host.softirqs.",
        "host.softnet.",
        "host.neighbours.full",
    )
    return "rate" if name.startswith(rates) else "count"


STAT = re.compile(r"(.+)\.(min|mean|max|first|last|growth|p\d{1,2}(?:\.\d+)?)")
"""A figure and its statistic."""
_SAMPLED = re.compile(
    rf"port\.\S+\.(?:{'|'.join(COUNTERS)})"
    rf"|(?:light|(?:vpc|compute)\.\S+)\.(?:{'|'.join(PORT_COUNTERS)})"
    r"|process\.\S+\.(?:cpu|rss|fds)"
)
_OF_WORKER = re.compile(r"worker\.\S+?\.(host\..+)")
ALIASES = {"host.memory": "host.memory.used", "host.cpu": "host.cpu.busy"}


def figure_unit(name: str) -> str | None:
    """Return a figure's unit: seconds, share, bytes, byterate, bitrate, count, rate; None if unknown."""
    base = _of_machine(_base(name))
    if base in RUN or _SAMPLED.fullmatch(base) or _is_host_metric(base):
        return unit_of(base)
    row = figure_of(name)
    return row.unit if row else None


def _base(name: str) -> str:
    """Return the sampled metric that a figure is a statistic of."""
    found = STAT.fullmatch(name)
    base = found[1] if found else name
    return ALIASES.get(base, base)


def _of_machine(name: str) -> str:
    """Return the metric of a machine that `name` is of a worker's, or `name`."""
    found = _OF_WORKER.fullmatch(name)
    return found[1] if found else name


def _is_host_metric(name: str) -> bool:
    """Return whether `name` may be sampled of a machine."""
    return name in HOST or bool(
        re.fullmatch(r"host\.(cpu\.core\d+|softirqs\.\w+|pressure\.(cpu|memory|io|irq)\.(some|full))", name)
    )


def scope_of(name: str) -> str:
    """Return the subject that a figure's metric is sampled of, as text; nothing where its name shows it."""
    base = _base(name)
    if base.startswith("host."):
        return "the whole machine"
    if _OF_WORKER.fullmatch(base):
        return "the worker's whole machine"
    return "the runner and what runs in the network" if base in RUN else ""
