"""A Mininet file, as people have them."""

# ruff: noqa: ANN001, ANN201 -- written as people write for Mininet

from mininet.topo import Topo


class Racks(Topo):
    """Two racks of `hosts` hosts on one core switch."""

    def build(self, hosts=2):
        core = self.addSwitch("s1")
        for rack in (2, 3):
            switch = self.addSwitch(f"s{rack}")
            self.addLink(switch, core)
            for number in range(hosts):
                host = self.addHost(f"h{(rack - 2) * hosts + number + 1}")
                self.addLink(host, switch)


topos = {"racks": Racks}
