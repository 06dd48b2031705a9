"""Run a Mininet file as a script and answer the network that it builds. Part of mininet_child.py.

Standard library only: the child process loads this by its path.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

_links = import_module("mininet_links")  # the child has put the folder of this file in the path
_network = import_module("mininet_network")
RECORD = _links.RECORD


def recorded(run: Callable[[], Any]) -> list[str]:
    """Call `run` until its network is used; return a note if it fails after it has started one."""
    sleep = time.sleep

    def shortened(seconds: Any, /) -> None:
        (RECORD.sleep if RECORD.started else sleep)(seconds)

    time.sleep = shortened
    try:
        run()
    except _links.EndOfScriptError:
        return []
    except (SystemExit, EOFError):  # EOFError: the script waits for an answer
        if not (RECORD.started or any(network.built for network in RECORD.networks)):
            raise
        return []
    except Exception as error:  # whatever the script raises
        if not RECORD.started:
            raise
        name = type(error).__name__
        return [f"not taken over: what the script does after {name}, which it raises once it runs"]
    finally:
        time.sleep = sleep
    return []


def made_any() -> bool:
    """Return whether the script has made a network, or nodes with links."""
    return any(network.values() for network in RECORD.networks) or bool(RECORD.links)


def answer(plain: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the network that the script used first, else its last one, as the child answers it."""
    networks = [network for network in RECORD.networks if network.topo or network.values()]
    ended = RECORD.ended if RECORD.ended in networks else None  # scripts wrap networks in their own classes
    network = ended or (networks[-1] if networks else None)
    if network is None:
        links = RECORD.links
        nodes: list[Any] = RECORD.loose
    else:
        network.build()
        members = {id(node) for node in network.hosts + network.switches}
        links = [link for link in RECORD.links if id(link.intf1.node) in members]
        nodes = [*network.hosts, *network.switches]
    notes = [f"{len(networks) - 1} more of the script's networks"] if len(networks) > 1 else []
    return {
        "nodes": [[node.name, plain(_options(node, network))] for node in nodes],
        "links": [plain(link.answer()) for link in links],
        "controllers": [
            [node.name, type(node).__name__, plain(node.params)] for node in network.controllers
        ] if network else [],
        "network": plain(_settings(network)) if network else {},
        "left_out": notes,
    }  # fmt: skip


def _options(node: Any, network: Any) -> dict[str, Any]:
    out = dict(node.params)
    if network is not None and not node.__dict__.get("own_ip", True) and network.ipBase == _network.BASE:
        out.pop("ip", None)  # the computed one
    if node.defaultIntf() is not None and out.get("ip") and node.defaultIntf().said.get("ip"):
        del out["ip"]
    out |= {"isSwitch": True} if node.isSwitch else {}
    out |= {} if node.inNamespace else {"inNamespace": False}
    bases = [cls.__name__ for cls in type(node).__mro__]
    out["cls"] = {"class": bases[0], "bases": bases}
    out |= {"commands": node.commands} if node.commands else {}
    out |= {"left_out": node.notes} if node.notes else {}
    out |= {"machine_interfaces": " ".join(map(_lent, node.lent))} if node.lent else {}
    return out


def _lent(intf: Any) -> str:
    """Return an interface of the machine, as files of graphs have it."""
    return f"{intf.name}={intf.said['ip']}" if intf.said.get("ip") else str(intf.name)


def _settings(network: Any) -> dict[str, Any]:
    said = {"autoStaticArp": network.autoStaticArp, **network.options}
    return {key: value for key, value in said.items() if value}
