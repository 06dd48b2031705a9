"""Options of a Mininet file's nodes, links and network, and notes of those that aren't taken over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from topologies.formats.graph import FormatError
from topologies.formats.ip_commands import DEFAULT, SetsRoute, parsed
from topologies.formats.left_out import LeftOut
from topologies.formats.mininet_link_routes import is_link_route
from topologies.outside import NAT, OUTSIDE

_TAKEN = {"ip", "mac", "prefixLen", "isSwitch", "cls", "commands", "left_out", "dpid",
          "machine_interfaces"}  # fmt: skip
_TAKEN_OF_LINKS = {
    "bw", "delay", "jitter", "loss", "max_queue_size", "ip", "mac", "key", "cls", "intf", "fast",
    *(f"{key}{end}" for key in ("node", "port", "params", "addr", "intfName") for end in "12"),
}  # fmt: skip
_PLAIN_CLASSES = {
    "Host", "Node", "CPULimitedHost", "Switch", "OVSSwitch", "OVSKernelSwitch", "OVSBridge", "LinuxBridge",
    "UserSwitch", "NAT", "Link", "TCLink", "TCULink", "OVSLink", "Intf", "TCIntf", "partial",
}  # fmt: skip
_LEARNING = {"Controller", "DefaultController", "OVSController"}
_WITHOUT_EFFECT = {"waitConnected", "listenPort"}
NO_ADDRESS = "0.0.0.0"  # noqa: S104 -- how MiniEdit's scripts give a node none
HINTS = {
    f"ip: {NO_ADDRESS}": "hosts and routers have an address here",
    "cpu": "it is a share of the machine; write `cpu:` in cores",
    "cores": "write `cpu:` in cores",
    "commands": "write them under `run:` or `sysctl:`",
    "autoStaticArp": "write `addressing: {static_arp: true}`",
    "inNamespace": "every switch has a namespace of its own",
    "vlan": "write `vlans:`, with addresses outside the pools",
    "privateDirs": "write `private:`",
    "servers": "write `workers:`",
    "placement": "write `placement:`",
    "failMode": "write `openflow: {fail_mode: …}`",
    "protocols": "write `openflow: {protocols: […]}`",
    "datapath": "write `openflow: {datapath: …}`",
}
_FORWARDING = re.compile(r"ip_forward\s*=\s*1|echo\s+1\s*>\s*/proc/sys/net/ipv4/ip_forward")
_BRIDGING = re.compile(
    r"\s*(?:ovs-vsctl\b.*\badd-br|brctl\s+addbr|ip\s+link\s+add\b.*\bbridge\b|ofdatapath\b).*"
)
_SYSCTL = re.compile(r"\s*sysctl\s+(?:-w\s+)?(net(?:\.[A-Za-z0-9_-]+)+)=(\S+)\s*")


def class_of(options: Mapping[str, Any]) -> list[str]:
    """Return the names of a node's class and its bases, as far as the file's process tells them."""
    cls = options.get("cls")
    if not isinstance(cls, dict):
        return []
    return [str(name) for name in cls.get("bases") or [cls.get("class")]]


def node_attributes(name: str, options: dict[str, Any], left_out: LeftOut) -> dict[str, Any]:
    """Return the kind, routes and sysctls of a node; note what else it says."""
    cls = options.get("cls")
    params = cls.get("params") if isinstance(cls, dict) else None
    options = {**options, **{key: value for key, value in (params or {}).items() if key not in options}}
    way = _way(options)
    out = _commands(name, options, left_out, way)
    if way:
        options.pop("inNamespace", None)
    gateway = str(options.get("defaultRoute") or "").split()
    if gateway[:1] == ["via"] and len(gateway) > 1:
        out["gateway"] = gateway[1]
        del options["defaultRoute"]
    for key, value in options.items():
        if key not in _TAKEN and value is not None and (key, value) != ("inNamespace", True):
            left_out.add(f"`{key}`", name)
    for words in options.get("left_out") or ():
        left_out.add(words, name)
    if str(options.get("ip")).startswith(NO_ADDRESS):
        left_out.add(f"`ip: {NO_ADDRESS}`", name)
    own = class_of(options)[:1]
    forwards = out.pop("forwards", False) or any("router" in word.lower() for word in own)
    if own and own[0] not in _PLAIN_CLASSES and not forwards:
        left_out.add(f"class {own[0]}", name)
    lent = {"machine_interfaces": each} if (each := options.get("machine_interfaces")) else {}
    if out.pop("bridges", False) or options.get("isSwitch"):
        out = {"dpid": _dpid(options["dpid"], name)} if options.get("dpid") else {}
        kind = "switch"
    else:
        kind = way or ("router" if forwards else "host")
    return {"kind": kind, **lent, **out}


def _way(options: Mapping[str, Any]) -> str:
    """Return the kind of a node with a way to the machine; "" for any other."""
    if "NAT" in class_of(options):
        return NAT
    return OUTSIDE if options.get("inNamespace") is False and not options.get("isSwitch") else ""


def _dpid(value: Any, name: str) -> str:
    """Return a datapath id as a topology file has it; Mininet's are hexadecimal, with or without colons."""
    text = str(value).replace(":", "").removeprefix("0x")
    if not re.fullmatch("[0-9a-fA-F]{1,16}", text) or not int(text, 16):
        raise FormatError(
            f"dpid={value!r} of `{name}` is no datapath id; write for example '0000000000000001'"
        )
    return f"0x{int(text, 16):x}"


def _commands(name: str, options: dict[str, Any], left_out: LeftOut, way: str) -> dict[str, Any]:
    """Return what the commands of a script set that a topology file has keys for; note the others."""
    out: dict[str, Any] = {}
    words: dict[str, list[str]] = {}
    for command in options.get("commands") or ():
        if _FORWARDING.search(command):
            out["forwards"] = True
        elif _BRIDGING.fullmatch(command):
            out["bridges"] = True
        elif found := _SYSCTL.fullmatch(command):
            words.setdefault("sysctl", []).append(f"{found[1]}={found[2]}")
        elif way == OUTSIDE and is_link_route(command):
            pass  # `reach_routes` takes it over
        elif isinstance(route := parsed(command), SetsRoute):
            if route.destination == DEFAULT:
                out["gateway"] = route.gateway
            else:
                words.setdefault("routes", []).append(f"{route.destination}={route.gateway}")
        else:
            left_out.add("commands", f"{name} ({_cut(command)})")
    return out | {key: " ".join(several) for key, several in words.items()}


def _cut(command: str) -> str:
    return command if len(command) <= 40 else f"{command[:39]}…"


def note_link(link: dict[str, Any], left_out: LeftOut) -> None:
    """Note the options of a link that aren't taken over."""
    name = f"{link['node1']}-{link['node2']}"
    ends = [link.get(f"params{end}") or {} for end in "12"]
    for options in (link, *ends):
        for key, value in options.items():
            if key not in _TAKEN_OF_LINKS and value is not None:
                left_out.add(f"`{key}`", name)
    cls = link.get("cls")
    if isinstance(cls, dict) and cls.get("class") not in _PLAIN_CLASSES:
        left_out.add(f"class {cls.get('class')}", name)


def controllers_of(built: dict[str, Any], left_out: LeftOut) -> dict[str, Any]:
    """Return the attributes of switches that speak to the script's remote controllers; {} for none."""
    remote = []
    for name, cls, params in built.get("controllers") or ():
        if cls == "RemoteController":
            address, port = params.get("ip") or "127.0.0.1", params.get("port") or 6653
            remote.append(f"remote {address}:{port}")
        elif cls not in _LEARNING:
            left_out.add(f"controller {cls}", name)
    return {"switch": "ovs", "openflow_controller": "; ".join(remote)} if remote else {}


def note_network(built: dict[str, Any], left_out: LeftOut) -> None:
    """Note the settings of the network that aren't taken over."""
    for key in built.get("network") or ():
        if key not in _WITHOUT_EFFECT:
            left_out.add(f"`{key}`", "")
    for words in built.get("left_out") or ():
        left_out.add(words, "")
