class CloudLink:
    def __init__(
        self,
        node1,
        node2,
        port1=None,
        port2=None,
        intfName1=None,
        intfName2=None,
        addr1=None,
        addr2=None,
        intf=None,
        cls1=None,
        cls2=None,
        params1=None,
        params2=None,
    ):
        assert params1 is not params2, "the real one writes into both"
        bridges = (
            node1.addContainerInterface(intfName=intfName1),
            node2.addContainerInterface(intfName=intfName2),
        )
        self.intf1 = (cls1 or intf)(name=intfName1, node=node1, link=self, mac=addr1, port=port1, **params1)
        self.intf2 = (cls2 or intf)(name=intfName2, node=node2, link=self, mac=addr2, port=port2, **params2)
        number = self.newLinkId()
        for node, other, (one, two) in ((node1, node2, bridges), (node2, node1, bridges[::-1])):
            node.addContainerLink(
                target1=node.target, target2=other.target, link_id=number, bridge1=one, bridge2=two, link=self
            )
