from mininet.link import Intf
from mininet.lxc_container import LxcNode


class LxcSwitch(LxcNode):
    def __init__(self, name, dpid=None, listenPort=None, **params):
        super().__init__(name=name, **params)
        self.dpid = dpid
        self._start()
        self.controlIntf = Intf("lo", self, port=0)


class LxcOVSSwitch(LxcSwitch):
    def __init__(
        self, name, failMode="secure", datapath="kernel", protocols=None, user="root", jump=None, **params
    ):
        super().__init__(name=name, **params)
        self.failMode, self.datapath, self.protocols = failMode, datapath, protocols

    def _start(self):
        pass

    def vsctl(self, *words):
        return self.cmd("ovs-vsctl", *words)

    def intfOpts(self, intf):
        return f" -- set Interface {intf} ofport_request={self.ports[intf]}"

    def TCReapply(self, intf):
        intf.config(**intf.params)

    def start(self, controllers):
        ports = "".join(
            f" -- add-port {self} {intf}{self.intfOpts(intf)}"
            for intf in self.intfList()
            if str(intf) != "lo"
        )
        targets = ",".join(f"tcp:{c.ip}:{c.port}" for c in controllers)
        self.vsctl(
            f"add-br {self} -- set bridge {self} fail_mode={self.failMode}{ports} -- targets {targets}"
        )
        for intf in self.intfList():
            if str(intf) != "lo":
                self.TCReapply(intf)
