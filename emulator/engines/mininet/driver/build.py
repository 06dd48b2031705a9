"""Build a Mininet network from documents: hosts, switches, controllers and links, by Mininet's own API."""

from __future__ import annotations

from typing import Any

from mininet.link import Intf, Link, TCIntf
from mininet.net import Mininet
from mininet.node import Host, RemoteController
from serving.server import StepError

from .switches import CLASSES, shape_again

Document = dict[str, Any]
_PACKETS = 1000
"""Queue length of an interface by the kernel's default, in packets (DEFAULT_TX_QUEUE_LEN)."""


def empty_network() -> Any:
    """Return an empty Mininet network."""
    Mininet.inited = True  # its init() raises the machine's sysctls: the emulator has done so as needed
    return Mininet(topo=None, build=False, controller=None, link=Link)


class StartedController(RemoteController):
    """A controller that the emulator started, and found listening.

    Mininet would check again by `echo A | telnet`, which sometimes doesn't end on a busy machine.
    """

    def checkListening(self) -> None:  # noqa: N802 -- Mininet's name
        """Do nothing: the emulator has checked."""


class Builder:
    """Adds the contents of documents to a Mininet network."""

    def __init__(self, network: Any) -> None:
        self.network = network
        self.links: dict[str, Any] = {}
        """Links by the names of both their interfaces."""

    def controller(self, document: Document) -> None:
        """Add a controller: the emulator has started it, and Mininet connects to it."""
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
        """Add a link: plain, or with Mininet's traffic control if an end is shaped."""
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
        """Delete the link of interface `name`. It leaves its switches first: they would keep the port."""
        link = self._link(name)
        for intf in (link.intf1, link.intf2):
            del self.links[intf.name]
            if hasattr(intf.node, "detach"):
                intf.node.detach(intf)
        self.network.delLink(link)

    def remove(self, name: str) -> None:
        """Delete a node, after its links."""
        node = self.network[name]
        if node in self.network.switches:
            self.network.delSwitch(node)
        else:
            self.network.delHost(node)

    def interface(self, name: str) -> Any:
        """Return the interface `name`."""
        link = self._link(name)
        return link.intf1 if link.intf1.name == name else link.intf2

    def _link(self, name: str) -> Any:
        if name not in self.links:
            raise StepError(f"there is no interface {name}: its link or its node was removed")
        return self.links[name]

    def shape(self, end: Document) -> None:
        """Apply the shape in the document of an interface's end.

        Mininet can't remove a shape (mininet issue 881): in that case the queues are deleted.
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
            intf.cmd("tc qdisc replace dev", intf, "root pfifo")  # like shape_again
            self._replace(intf, TCIntf, options)

    def _queue(self, end: Document) -> None:
        """Set the queue length; a shaped Open vSwitch creates its queues with it when it starts."""
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
    """Return the options that keep checksums valid where a switch in user space reads the packets."""
    return {"txo": not end["plain_sums"]}
