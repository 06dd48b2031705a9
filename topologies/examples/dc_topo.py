"""A small data centre for Mininet: racks of hosts below two core switches.

sudo mn --custom dc_topo.py --topo dc,3,4 --link tc --switch lxbr,stp=1
"""

# ruff: noqa: ANN001, ANN201, D102, INP001 -- written as Mininet's own examples are

from mininet.link import TCLink
from mininet.topo import Topo


class DataCentre(Topo):
    """`racks` top-of-rack switches with `hosts` hosts each, every rack on both cores."""

    def build(self, racks=3, hosts=4, uplink=1000):
        cores = [self.addSwitch("c1"), self.addSwitch("c2")]
        for rack in range(1, racks + 1):
            switch = self.addSwitch(f"r{rack}")
            for core in cores:
                self.addLink(switch, core, cls=TCLink, bw=uplink)
            for number in range(1, hosts + 1):
                host = self.addHost(f"r{rack}h{number}", ip=f"10.0.{rack}.{number}/16")
                self.addLink(host, switch, cls=TCLink, bw=100)


class OneRack(DataCentre):
    """A rack alone."""

    def build(self, hosts=8):
        super().build(racks=1, hosts=hosts)


topos = {"dc": DataCentre, "rack": OneRack}
