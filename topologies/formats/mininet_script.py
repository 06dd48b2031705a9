"""The parts of a Mininet script that don't depend on the network; `write_mininet` puts them together.

Braces are doubled where a part is formatted.
"""

from __future__ import annotations

HEAD = '''#!/usr/bin/env python3
"""The network {name} ({counts}) for Mininet.

    sudo python3 FILE                         starts it and opens Mininet's command line
    sudo mn --custom FILE --topo {name} --link tc
{notes}"""

{imports}
from mininet.cli import CLI
from mininet.link import TCLink
from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.node import {classes}
from mininet.nodelib import LinuxBridge
from mininet.topo import Topo

LOOPS = {loops}
'''

ROUTER = '''

class Router(Node):
    """A node that forwards by address. Hosts of its own are on a bridge inside it."""

    def config(self, loopback=None, bridge=None, routes=(), **params):
        super().config(**params)
        self.own = (loopback or (bridge[1] if bridge else "")).split("/")[0] or None
        self.cmd("sysctl -w net.ipv4.ip_forward=1 net.ipv4.fib_multipath_hash_policy=1")
        self.cmd("for each in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $each; done")
        lines = [f"address add {loopback} dev lo"] if loopback else []
        if bridge:
            name, address, ports = bridge
            lines += [f"link add {name} type bridge", f"address add {address} dev {name}"]
            lines += [f"link set {port} master {name}" for port in ports] + [f"link set {name} up"]
        self.ip(lines)
        self.ip(f"route replace {route}" for route in routes)

    def IP(self, intf=None):
        return super().IP(intf) or self.own

    def ip(self, lines):
        text = "".join(line + "\\n" for line in lines)
        process = self.popen(["ip", "-batch", "-"], stdin=PIPE, universal_newlines=True)
        errors = process.communicate(text)[1]
        if process.returncode:
            raise RuntimeError(f"{self.name}: ip: {errors}")
'''

OPENFLOW = '''
DATAPATH = "kernel" if os.path.exists("/sys/module/openvswitch") else "user"


class Chosen:
    """A switch with controllers of its own, out of the network's."""

    def __init__(self, name, controllers=(), **params):
        super().__init__(name, **params)
        self.chosen = controllers

    def start(self, controllers):
        super().start([each for each in controllers if each.name in self.chosen])


class OpenSwitch(Chosen, OVSSwitch):
    """A switch of Open vSwitch."""


class ReferenceSwitch(Chosen, UserSwitch):
    """The reference switch, which runs as a program."""


def add_controller(network, name, kind, address, port, command):
    if kind == "remote":
        network.addController(name, controller=RemoteController, ip=address, port=port)
    elif kind == "learning":
        network.addController(name, controller=OVSController, port=port)
    else:
        words = "OPENFLOW_PORT=%d " + shlex.join(command).replace("%", "%%")
        network.addController(name, controller=Controller, command="env", cargs=words, port=port)


def compute_checksums(network):
    """Switches that run as programs hand packets on as they come: hosts must have finished them."""
    if any(getattr(switch, "datapath", "user") == "user" for switch in network.switches):
        for host in network.hosts:
            for name in host.intfNames():
                host.pexec(["ethtool", "-K", name, "tx", "off"])
'''

BUILD = """

class Network(Topo):
    def build(self, **_):
        for name, ip, mac, gateway in HOSTS:
            route = {{"defaultRoute": "via " + gateway}} if gateway else {{}}
            self.addHost(name, ip=ip, mac=mac, **route)
{routers}{switches}        for first, second, port1, port2, profile, options in LINKS:
            options = {{**PROFILES[profile], **options}}
            self.addLink(first, second, port1=port1, port2=port2, **options)


topos = {{{name!r}: Network}}


def main():
    setLogLevel("info")
    bridge = LinuxBridge if shutil.which("brctl") else OVSBridge
    options = {{"stp": True}} if LOOPS else {{}}
    network = Mininet(
        topo=Network(), link=TCLink, controller=None,
        switch=lambda name, **params: bridge(name, **params, **options),
    )
{before}    network.start()
{after}    if LOOPS:
        print("Waiting for the spanning tree…")
        network.waitConnected()
    CLI(network)
    network.stop()


if __name__ == "__main__":
    main()
"""

BUILD_ROUTERS = """\
        for name, options in ROUTERS:
            self.addNode(name, cls=Router, ip=None, **options)
"""

BUILD_SWITCHES = """\
        for name, number in SWITCHES:
            self.addSwitch(name, dpid=number)
"""

BUILD_OPENFLOW = """\
        kinds = {"ovs": OpenSwitch, "user": ReferenceSwitch}
        for name, number, kind, options in OPENFLOW_SWITCHES:
            self.addSwitch(name, dpid=number, cls=kinds[kind], **options)
"""
