from mininet.assh import ASsh


class LxcNode:
    connectedToAdminNetwork = {}

    def __init__(
        self,
        name,
        loop,
        admin_ip,
        master,
        target=None,
        username=None,
        pub_id=None,
        bastion=None,
        client_keys=None,
        waitStart=True,
        image=None,
        **params,
    ):
        self.name, self.loop, self.admin_ip, self.target, self.image = name, loop, admin_ip, target, image
        self.pub_id, self.masternode, self.params, self.run = pub_id, master, params, True
        assert not waitStart, "the real one would connect now, one node after the other"
        assert image and pub_id, "the real one would wait forever"
        self.targetSsh = ASsh(loop=loop, host=target, username=username, bastion=bastion)
        self.ssh = ASsh(loop=loop, host=admin_ip.split("/")[0], username=username, bastion=bastion)
        self.intfs, self.nameToIntf, self.ports = {}, {}, {}
        self.containerInterfaces = {}

    def __str__(self):
        return self.name

    def addIntf(self, intf, port):
        self.intfs[port], self.nameToIntf[intf.name], self.ports[intf] = intf, intf, port

    def intfList(self):
        return [self.intfs[port] for port in sorted(self.intfs)]

    def defaultIntf(self):
        return self.intfs[min(self.intfs)] if self.intfs else None

    def cmd(self, *words):
        """The real one's terminal echoes the command line."""
        return " ".join(map(str, words)) + "\r\n"

    def pexec(self, *words):
        raise AssertionError("a lost wake-up: the real one waits a second")

    def popen(self, *_words):
        raise NotImplementedError("a node elsewhere has no local process")

    def connectTarget(self):
        self.targetSsh.connect()

    def createContainer(self):
        self.targetSsh.sendCmd(f"lxc init {self.image} {self.name} < /dev/null; lxc start {self.name}")

    def waitCreated(self):
        self.targetSsh.waitOutput()

    def addContainerInterface(self, intfName, devicename=None, brname=None, wait=True):
        self.targetSsh.cmd(
            f"brctl addbr {brname};lxc network attach {brname} {self.name} {devicename} {intfName};"
            f"ip link set up {brname}"
        )
        self.containerInterfaces[intfName] = brname
        return brname

    def configureContainer(self, wait=True):
        commands = (f"ifconfig admin {self.admin_ip}", "service ssh start")
        self.targetSsh.cmd(";".join(f"lxc exec {self.name} -- {words}" for words in commands))

    def waitConnected(self):
        self.ssh.waitConnected()

    @classmethod
    def createMasterAdminNetwork(cls, master, brname, ip):
        master.cmd(f"brctl addbr {brname};ifconfig {brname} {ip}")

    def connectToAdminNetwork(self, master, target, link_id, admin_br):
        if self.target in self.connectedToAdminNetwork:
            return []
        self.connectedToAdminNetwork[self.target] = True
        name = f"vx_{link_id}"
        here = self.createContainerLinkCommandList(
            target, master, link_id, name, bridge1=admin_br, bridge2=None
        )
        self.targetSsh.cmd(";".join(here))
        return self.createContainerLinkCommandList(
            master, target, link_id, name, bridge1=admin_br, bridge2=None
        )

    def createContainerLinkCommandList(self, target1, target2, vxlan_id, vxlan_name, bridge1, bridge2):
        if target1 == target2:
            ends = f"v{bridge1}", f"v{bridge2}"
            return [
                f"ip link add {ends[0]} type veth peer name {ends[1]}",
                *(f"brctl addif {bridge} v{bridge}" for bridge in (bridge1, bridge2)),
                *(f"ip link set up {end}" for end in ends),
            ]
        return [
            f"ip link add {vxlan_name} type vxlan id {vxlan_id} remote {target2} local {target1} dstport 4789",
            f"ip link set up {vxlan_name}", f"brctl addif {bridge1} {vxlan_name}", f"ip link set up {bridge1}",
        ]  # fmt: skip

    def addContainerLink(self, target1, target2, link_id, bridge1, bridge2, link):
        words = self.createContainerLinkCommandList(
            target1, target2, link_id, f"vx_{link_id}", bridge1=bridge1, bridge2=bridge2
        )
        self.targetSsh.cmd(";".join(words))

    def configDefault(self, **more):
        self.params.update(more)
        if self.params.get("ip") and self.intfs:
            self.defaultIntf().setIP(self.params["ip"])
        self.cmd("ifconfig lo up")
