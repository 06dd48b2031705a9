"""Names and units of what is sampled.

| name | unit | what |
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
| run.memory | bytes | of the runner and of what runs in the network: what they have for themselves |
| process.NAME.cpu, .rss, .fds | share of a core, bytes, count | runner, Open vSwitch, controllers |
"""

from __future__ import annotations

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
    if name.startswith(("host.cpu.", "host.pressure.")) or name.endswith(".cpu"):
        return "share"
    if name.startswith("host.memory.") or name in RUN or name.endswith(".rss"):
        return "bytes"
    if name == "host.rtnl.wait":
        return "seconds"
    if name.startswith("port."):
        return "byterate" if name.endswith("_bytes") else "rate"
    rates = (
        "host.context_switches",
        "host.interrupts",
        "host.softirqs.",
        "host.softnet.",
        "host.neighbours.full",
    )
    return "rate" if name.startswith(rates) else "count"


def whose(name: str) -> str:
    """Return what a sampled metric is of, in words; nothing where its name says so."""
    if name.startswith("host."):
        return "the whole machine"
    return "the runner and what runs in the network" if name in RUN else ""
