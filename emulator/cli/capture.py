"""`emulator capture`: record the packets of a port or a link into a pcap file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from emulator.cli.complete import complete_nodes
from emulator.cli.options import json_option, net_option, seconds
from emulator.cli.output import answer, print_json, say
from emulator.errors import UsageError
from emulator.network import Network
from topologies.counting import counted

_MOST_PACKETS = 2**31 - 1
_EPILOG = """\b
Examples:
  emulator capture h1 -o h1.pcap --seconds 10
  emulator capture h1 -c 10 -w h1.pcap
  emulator capture s1:2 -o - | tcpdump -r -
  emulator capture --link s1 s2 -o link.pcap --count 100 --filter icmp"""


@click.command("capture", epilog=_EPILOG)
@net_option()
@click.argument("where", metavar="NODE[:PORT]", required=False, shell_complete=complete_nodes)
@click.option("--link", "ends", nargs=2, metavar="A B", help="Record the link between A and B, at A's end.")
@click.option(
    "--index", type=int, help="Number of the link if several are parallel, from 0 in the file's order."
)
@click.option(
    "-o",
    "-w",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="pcap file; `-` for stdout.",
)
@click.option("-c", "--count", type=click.IntRange(1, _MOST_PACKETS), help="Stop after this many packets.")
@click.option("--seconds", callback=seconds(0.01), metavar="SECONDS", help="Stop after this time.")
@click.option(
    "--filter", "expression", help="Record only packets that match this pcap filter; needs tcpdump."
)
@json_option()
def command(
    *, net: str | None, where: str | None, ends: tuple[str, str] | None, index: int | None, output: Path,
    count: int | None, seconds: float | None, expression: str | None, as_json: bool,
) -> int:  # fmt: skip
    """Record the packets that a port sends and receives, until Ctrl-C, --count or --seconds.

    Without PORT: a node's only port, or everything that passes a switch.
    """
    from emulator.cli.networks import chosen_network

    if (where is None) == (ends is None):
        raise UsageError("give a port: `emulator capture NODE[:PORT] -o FILE`, or `--link A B`")
    if as_json and str(output) == "-":
        raise UsageError("--json and `-o -` both use standard output; write to a file")
    network = chosen_network(net)
    node, interface = _at_link(network, ends, index) if ends else _at_port(network, where or "")
    from emulator.access import Capability, CaptureRequest
    from emulator.linux.processes.interrupts import stoppable

    if not network.access.supports(Capability.CAPTURE):
        raise UsageError(f"the engine {network.engine} can't record packets")
    network.access.check_filter(expression)  # before the file is written
    request = CaptureRequest(interface, count, seconds, expression)
    with _opened(output) as file, stoppable():
        say(f"recording {interface} of {network.topology.names[node]}"
            + ("" if count or seconds else "; Ctrl-C ends it"))  # fmt: skip
        result = network.access.capture(node, request, file)
    shown = "? packets" if result.packets is None else counted(result.packets, "packet")
    tell = say if str(output) == "-" else answer  # the packets themselves are the answer
    tell(f"{shown} in {output}" + (f", {result.dropped:,} dropped" if result.dropped else ""))
    if as_json:
        print_json(
            {"network": network.name, "node": network.topology.names[node], "interface": interface,
             "file": str(output), "packets": result.packets, "dropped": result.dropped}
        )  # fmt: skip
    return 0


def _at_link(network: Network, ends: tuple[str, str], index: int | None) -> tuple[int, str]:
    from emulator.interface.finding import find_link
    from topologies.identifiers import has_interface, interface_name

    link, swapped = find_link(network, ends[0], ends[1], index)
    topology = network.topology
    if not has_interface(topology, link, int(swapped)):  # at a compute host; the port's own end is recorded
        swapped = not swapped
    node, port = (int(table[link, int(swapped)]) for table in (topology.ends, topology.ports))
    return node, interface_name(topology, node, port)


def _at_port(network: Network, where: str) -> tuple[int, str]:
    """Return the node and the interface that `NODE`, `NODE:PORT` or `NODE:INTERFACE` names."""
    from emulator.forwarding.select import forwarding_for
    from emulator.interface.finding import matching_nodes
    from topologies.identifiers import bridge_name, has_interface, interface_name

    name, _, port = where.partition(":")
    nodes = matching_nodes(network, name)
    if len(nodes) > 1:
        raise UsageError(f"`{name}` matches several nodes; name one")
    topology, node = network.topology, nodes[0]
    ports = sorted(port for link, end, port in topology.incident(node) if has_interface(topology, link, end))
    interfaces = {str(p): interface_name(topology, node, p) for p in ports}
    if not port and node < topology.full.node_count and forwarding_for(topology.full).has_bridge(node):
        return node, bridge_name(topology, node)
    if not port and len(ports) == 1:
        return node, interfaces[str(ports[0])]
    if port in interfaces:
        return node, interfaces[port]
    if port in (*interfaces.values(), "lo"):
        return node, port
    known = ", ".join(f"{p} ({i})" for p, i in list(interfaces.items())[:12]) or "none"
    problem = f"{name} has no port `{port}`" if port else f"{name} has several ports"
    raise UsageError(f"{problem}; write {name}:PORT, ports are: {known}")


@contextmanager
def _opened(output: Path) -> Iterator[BinaryIO]:
    if str(output) == "-":
        if sys.stdout.isatty():
            raise UsageError("a pcap file can't go to a terminal; use `-o FILE` or a pipe")
        with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as file:
            yield file
        return
    try:
        file = output.open("wb")
    except OSError as error:
        raise UsageError(f"can't write {output}: {error.strerror}") from error
    with file:
        yield file
