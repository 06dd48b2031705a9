"""Build a Mininet network of documents: hosts, switches, controllers and links, by Mininet's own API."""

from __future__ import annotations

from typing import Any

from mininet.link import Intf, Link, TCIntf
from mininet.net import Mininet
from mininet.node import Host, RemoteController
from serving.server import StepError

from .switches import CLASSES, shape_again

Document = dict[str, Any]
_PACKETS = 1000
"""Packets that may wait for an interface as the kernel makes it (DEFAULT_TX_QUEUE_LEN)."""


def empty_network() -> Any:
    """Return a Mininet network that has nothing in it yet."""
    Mininet.inited = True  # its init() raises the machine's sysctls: the emulator raised what is needed
    return Mininet(topo=None, build=False, controller=None, link=Link)


class StartedController(RemoteController):
    """A controller that the emulator started and saw listen.

    Mininet would look again, by `echo A | telnet`, which now and then doesn't end on a busy machine.
    """

    def checkListening(self) -> None:  # noqa: N802 -- Mininet's name
        """Take the emulator's word for it."""


class Builder:
    """Adds what documents say to a Mininet network."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self.links: dict[str, Any] = {}
        """Links by the name of each of their two interfaces."""

    def controller(self, document: Document) -> None:
        """Add a controller: the emulator has started it, Mininet connects to it."""
        self.network.addController(
            document["name"], controller=StartedController, ip="127.0.0.1", port=document["port"]
        )

    def node(self, document: Document) -> int:
        """Add a host or a switch; return the process id of its shell."""
        name, kind = document["name"], document["kind"]
        if kind == "host":
            node = self.network.addHost(name, cls=Host, ip=document.get("ip"))
            return int(node.pid)
        options = {key: document[key] for key in ("dpid", "failMode", "datapath", "protocols")
                   if document.get(key) is not None}  # fmt: skip
        if kind == "ovs":
            options["batch"] = True  # all in one ovs-vsctl, as Mininet does with a Topo
        node = self.network.addSwitch(name, cls=CLASSES[kind], **options)
        node.given = document.get("controllers", [])
        node.out = frozenset(document.get("out", ()))
        return int(node.pid)

    def link(self, document: Document) -> None:
        """Add a link: plain, or with Mininet's traffic control where an end is shaped."""
        options: Document = {}
        for number, end in enumerate(document["ends"], 1):
            options[f"port{number}"] = end["port"]
            options[f"intfName{number}"] = end["name"]
            options[f"addr{number}"] = end["mac"]
            if end["shape"]:
                options[f"cls{number}"] = TCIntf
                options[f"params{number}"] = {**end["shape"], **_offload(end)}
        first, second = (end["node"] for end in document["ends"])
        link = self.network.addLink(first, second, **options)
        for end in document["ends"]:
            self.links[end["name"]] = link
            self._queue(end)
            intf = self.interface(end["name"])
            if end["queue"] and getattr(intf.node, "started", False):
                shape_again(intf)

    def unlink(self, name: str) -> None:
        """Delete the link with the interface `name`, which leaves its switches first: they would keep it."""
        link = self._link(name)
        for intf in (link.intf1, link.intf2):
            del self.links[intf.name]
            if hasattr(intf.node, "detach"):
                intf.node.detach(intf)
        self.network.delLink(link)

    def remove(self, name: str) -> None:
        """Delete a node; its links must have gone."""
        node = self.network[name]
        if node in self.network.switches:
            self.network.delSwitch(node)
        else:
            self.network.delHost(node)

    def interface(self, name: str) -> Any:
        """Return the interface called `name`."""
        link = self._link(name)
        return link.intf1 if link.intf1.name == name else link.intf2

    def _link(self, name: str) -> Any:
        if name not in self.links:
            raise StepError(f"there is no interface {name}: its link or its node was removed")
        return self.links[name]

    def shape(self, end: Document) -> None:
        """Make what an interface sends be as the document of its end says.

        Mininet can't take a shape away (mininet issue 881): then its queues are deleted.
        """
        intf = self.interface(end["name"])
        intf.cmd("ip link set dev", intf, "txqueuelen", end["queue"] or _PACKETS)
        if not end["shape"]:
            intf.cmd("tc qdisc del dev", intf, "root")
            if isinstance(intf, TCIntf):
                self._replace(intf, Intf, {})
            return
        options = {**end["shape"], **_offload(end)}
        if isinstance(intf, TCIntf):
            intf.params = options
            shape_again(intf)
        else:
            intf.cmd("tc qdisc replace dev", intf, "root pfifo")  # as shape_again
            self._replace(intf, TCIntf, options)

    def _queue(self, end: Document) -> None:
        """Set how many packets may wait; a shaped Open vSwitch makes its queues of that when it starts."""
        if end["queue"]:
            intf = self.interface(end["name"])
            intf.cmd("ip link set dev", intf, "txqueuelen", end["queue"])

    def _replace(self, intf: Any, kind: Any, options: Document) -> None:
        """Replace an interface by one of another class for the same device."""
        node, link = intf.node, intf.link
        port = node.ports[intf]
        node.delIntf(intf)
        new = kind(
            name=intf.name, node=node, port=port, link=link, mac=None, moveIntfFn=Link._ignore,  # noqa: SLF001
            up=None, **options,
        )  # fmt: skip
        new.mac, new.ip, new.prefixLen = intf.mac, intf.ip, intf.prefixLen
        if link.intf1 is intf:
            link.intf1 = new
        else:
            link.intf2 = new


def _offload(end: Document) -> Document:
    """Return what keeps checksums whole where a switch in user space reads the packets."""
    return {"txo": not end["plain_sums"]}
