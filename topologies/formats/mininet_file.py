"""Topology from a Mininet file: `topology: {mininet: dc_topo.py, topo: mytopo, args: [4]}`.

The file has `Topo` subclasses, a `topos` dictionary, or is a script that builds with
`Mininet(…)` and `net.addHost(…)`; Mininet needn't be installed. Imported are hosts and switches, host
`ip`, `mac` and `defaultRoute`, port numbers, remote controllers, and the options of links: bw (Mbit/s),
delay, jitter, loss (percent) and max_queue_size, also of one end in params1 and params2. A node whose
class is called …Router, or that turns forwarding on, is a router. Everything else is named in the
topology's notes (`mininet_options`). `mininet_process` runs the file.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import Field

from topologies.errors import ParameterError
from topologies.families import Context, GeneratorParams
from topologies.formats.assemble import assemble
from topologies.formats.graph import FormatError, Graph
from topologies.formats.import_options import Options
from topologies.formats.left_out import LeftOut, without_computed_routes
from topologies.formats.mininet_link_routes import reach_routes
from topologies.formats.mininet_options import (
    HINTS,
    NO_ADDRESS,
    controllers_of,
    node_attributes,
    note_link,
    note_network,
)
from topologies.formats.mininet_ports import count_from_one, names_of_ports
from topologies.formats.mininet_process import run
from topologies.outside import OUTSIDE
from topologies.topology import Topology

_TIME = re.compile(
    r"\s*([0-9.]+(?:e-?[0-9]+)?)\s*(s|sec|secs|ms|msec|msecs|us|usec|usecs|)\s*", re.IGNORECASE
)
_SCALE = {"s": Decimal(1), "m": Decimal("1e-3"), "u": Decimal("1e-6"), "": Decimal("1e-6")}


class Params(GeneratorParams):
    """Keys of a topology read from a Mininet file."""

    mininet: Annotated[str, Field(min_length=1, description="Path of a Python file, relative to this file")]
    topo: str | None = Field(None, description="Key of its `topos`, or name of its Topo subclass")
    args: list[Any] = Field(default_factory=list, description="Positional arguments of the Topo")
    kwargs: dict[str, Any] = Field(default_factory=dict, description="Keyword arguments of the Topo")

    def node_estimate(self) -> int:
        """Return 1: running the file tells the number of nodes, and bounds it."""
        return 1


def generate(params: Params, context: Context) -> Topology:
    """Return the graph that the file builds; ParameterError at `mininet` when that fails."""
    loc = (*context.loc, "mininet")
    path = (context.folder / params.mininet).absolute()
    if not path.is_file():
        raise ParameterError(loc, f"there is no file `{params.mininet}`; paths are relative to the YAML file")
    try:
        graph = graph_of(run(path, params.topo, params.args, params.kwargs))
        return replace(assemble(graph, Options()), notes=graph.notes_of(params.mininet))
    except FormatError as error:
        place = f"{params.mininet}:{error.line}" if error.line else params.mininet
        raise ParameterError(loc, f"{place}: {error}") from error
    except OSError as error:
        raise ParameterError(loc, f"`{params.mininet}` can't be run: {error.strerror}") from error


def graph_of(built: dict[str, Any]) -> Graph:
    """Return the graph that the file built, with our attributes; FormatError for an invalid value."""
    graph, left_out = Graph(), LeftOut(HINTS)
    interfaces: dict[str, dict[str, list[str]]] = {}
    found = {name: node_attributes(name, options, left_out) for name, options in built["nodes"]}
    hosts = {name for name, attributes in found.items() if attributes["kind"] == "host"}
    switches = {name for name, attributes in found.items() if attributes["kind"] == "switch"}
    count_from_one(built["links"], switches)
    names = names_of_ports(built["links"], hosts, left_out)
    for link in built["links"]:
        _interfaces(link, interfaces)
        note_link(link, left_out)
        graph.add_edge(str(link["node1"]), str(link["node2"]), _link(link))
    control = controllers_of(built, left_out)
    for name, options in built["nodes"]:
        attributes = {**found[name], **names.get(name, {})}
        if attributes["kind"] == "switch":
            attributes |= control  # a switch's ip is its management address; bridges have none
        else:
            attributes |= _addresses(options, interfaces.get(name, {}))
            if attributes["kind"] == OUTSIDE:
                reach_routes(name, attributes, options.get("commands") or (), left_out)
        graph.add_node(name, attributes)
    graph.nodes = without_computed_routes(graph.nodes, left_out)
    note_network(built, left_out)
    graph.notes = (*left_out.notes(), *(built.get("notes") or ()))
    return graph.checked()


def _addresses(options: dict[str, Any], on_ports: dict[str, list[str]]) -> dict[str, Any]:
    """Return the addresses of a node; `on_ports` are those of its links, as `value@port`."""
    out: dict[str, Any] = {}
    first = 0
    for key in ("ip", "mac"):
        words = list(on_ports.get(key, []))
        own = str(options.get(key) or "")
        if key == "ip" and own.startswith(NO_ADDRESS):
            own = ""
        if own and key == "ip" and "/" not in own:
            own = f"{own}/{options.get('prefixLen', 8)}"
        said = {word.partition("@")[0] for word in words} | {own for word in words if word.endswith("@0")}
        if own and own not in said:
            words.insert(0, f"{own}@{first}")
        if words:
            out[key] = " ".join(words)
    return out


def _interfaces(link: dict[str, Any], out: dict[str, dict[str, list[str]]]) -> None:
    """Collect the addresses of a link's ends (`params1={'ip': …}`, `addr1=…`)."""
    for end in "12":
        params = link.get(f"params{end}") or {}
        values = {"ip": params.get("ip"), "mac": params.get("mac") or link.get(f"addr{end}")}
        for key, value in values.items():
            if value:
                mine = out.setdefault(str(link[f"node{end}"]), {}).setdefault(key, [])
                mine.append(f"{value}@{link[f'port{end}']}")


def _link(link: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"source_port": link["port1"], "target_port": link["port2"]}
    ways = [_shape({**link, **(link.get(f"params{end}") or {})}) for end in "12"]
    if ways[0] == ways[1]:
        return out | ways[0]
    for way, shape in zip(("forward", "backward"), ways, strict=True):
        out |= {f"{way}_{key}": value for key, value in shape.items()}
    return out


def _shape(options: dict[str, Any]) -> dict[str, Any]:
    """Translate the keys of Mininet's TCIntf to our shape keys."""
    out: dict[str, Any] = {}
    if options.get("bw"):
        out["bandwidth"] = float(_number(options["bw"], "bw") * 1_000_000)
    for key in ("delay", "jitter"):
        if options.get(key):
            out[key] = _seconds(options[key], key)
    if out.get("jitter") and not out.get("delay"):
        del out["jitter"]  # as in Mininet: it has no effect without a delay
    if options.get("loss"):
        out["loss"] = float(_number(options["loss"], "loss") / 100)
    if options.get("max_queue_size"):
        out["queue"] = options["max_queue_size"]
    return {key: value for key, value in out.items() if value}


def _number(value: Any, key: str) -> Decimal:
    """Return a number exactly as written: 0.1 is a tenth, also after a multiplication."""
    try:
        number = Decimal(str(value))
    except (InvalidOperation, ValueError):
        number = Decimal("nan")
    if not number.is_finite():
        raise FormatError(f"{key}={value!r} is not a number")
    return number


def _seconds(value: Any, key: str) -> float:
    """Return a time in the units of tc: s, ms, us, and microseconds without a unit."""
    found = _TIME.fullmatch(str(value))
    if not found:
        raise FormatError(f"{key}={value!r} is not a time; write for example '5ms'")
    return float(_number(found[1], key) * _SCALE[found[2][:1].lower()])
