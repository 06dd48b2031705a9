from mininet.log import error


class Intf:
    def __init__(self, name, node=None, port=None, link=None, mac=None, **params):
        self.name, self.node, self.link, self.mac, self.params = name, node, link, mac, params
        if node:
            node.addIntf(self, port)
        self.config(**params)

    def __str__(self):
        return self.name

    def cmd(self, *words):
        return self.node.cmd(*words)

    def ifconfig(self, *words):
        return self.cmd("ifconfig", self.name, *words)

    def IP(self):
        return getattr(self, "ip", None)

    def setIP(self, text):
        self.ip = text.split("/")[0]
        return self.ifconfig(text, "up")

    def config(self, up=True, **_params):
        if up:
            self.ifconfig("up")
        return {}


class TCIntf(Intf):
    def config(self, bw=None, delay=None, jitter=None, loss=None, max_queue_size=None, txo=True, **params):
        result = super().config(**params)
        self.cmd("ethtool -K", self, "tx", "on" if txo else "off")
        if bw is None and not delay and not loss and max_queue_size is None:
            return result
        commands = []
        if "noqueue" not in self.cmd("tc qdisc show dev", self):
            commands.append(f"tc qdisc del dev {self} root")
        parent = "root"
        if bw is not None:
            commands += [
                f"tc qdisc add dev {self} root handle 5:0 htb default 1",
                f"tc class add dev {self} parent 5:0 classid 5:1 htb rate {bw:f}Mbit burst 15k",
            ]
            parent = "parent 5:1"
        netem = [f"delay {delay}"] if delay else []
        netem += [jitter] if jitter else []
        netem += [f"loss {loss}"] if loss else []
        netem += [f"limit {max_queue_size}"] if max_queue_size is not None else []
        if netem:
            commands.append(f"tc qdisc add dev {self} {parent} handle 10: netem {' '.join(netem)}")
        for command in commands:
            said = self.cmd(command)
            if said:
                error("*** Error: %s" % said)
        return result
