class Topo:
    def __init__(self):
        self._nodes = {}

    def addHost(self, name, **info):
        self._nodes[name] = info

    addSwitch = addHost

    def nodeInfo(self, name):
        return self._nodes[name]
