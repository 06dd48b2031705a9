import asyncio
import threading
from pathlib import Path

from mininet.assh import ASsh
from mininet.log import error

VERSION = "2.0 (stand-in)"
Path("provision.log").touch()  # the real one does that in the current folder, whatever it is


class Distrinet:
    def __init__(
        self,
        topo=None,
        switch=None,
        host=None,
        controller=None,
        link=None,
        intf=None,
        mapper=None,
        build=True,
        adminIpBase=None,
        jump=None,
        user="root",
        client_keys=None,
        master=None,
        pub_id=None,
    ):
        self.topo, self.switch, self.host, self.link, self.intf, self.mapper = (
            topo,
            switch,
            host,
            link,
            intf,
            mapper,
        )
        self.hosts, self.switches, self.controllers, self.links, self.nameToNode = [], [], [], [], {}
        self.loop = asyncio.get_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()  # no daemon: the process doesn't end by itself
        self.masterSsh = ASsh(
            loop=self.loop, host=master, username=user, bastion=jump, client_keys=client_keys
        )
        self.masterSsh.connect()
        self.masterSsh.waitConnected()

    def __contains__(self, name):
        return name in self.nameToNode

    def __getitem__(self, name):
        return self.nameToNode[name]

    def addHost(self, name, cls=None, **params):
        self.topo.nodeInfo(name)
        return self._add(
            self.hosts, name, (cls or self.host)(name=name, target=self.mapper.place(name), **params)
        )

    def addSwitch(self, name, cls=None, **params):
        if "image" not in self.topo.nodeInfo(name):
            error(f"we are missing an image for {name} \n")
            raise SystemExit
        return self._add(
            self.switches, name, (cls or self.switch)(name=name, target=self.mapper.place(name), **params)
        )

    def addController(self, name, controller=None, **params):
        return self._add(self.controllers, name, controller(name=name, **params))

    def _add(self, kind, name, node):
        kind.append(node)
        self.nameToNode[name] = node
        return node

    def addLink(self, node1, node2, **options):
        params1, params2 = self.mapper.placeLink((node1, node2))
        options.setdefault("intf", self.intf)
        made = self.link(node1=self[node1], node2=self[node2], params1=params1, params2=params2, **options)
        self.links.append(made)
        return made

    def delLink(self, link):
        raise Exception("Not implemented")
