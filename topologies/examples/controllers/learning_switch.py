"""A controller for any fabric, loops included, with os-ken: `pip install os-ken`.

    python learning_switch.py        # listens on 127.0.0.1:6653, or on the port in OPENFLOW_PORT

It knows nothing but OpenFlow. os-ken finds the links between switches by LLDP; when nothing has
changed for a second, every other port is taken to be a host's. A frame for a host that has been heard
follows a shortest path; any other leaves by all hosts' ports and by no link: no loop can arise.
"""
# ruff: noqa: ANN001, ANN201, D101, D102, INP001, RUF012 -- short, as people write applications of os-ken, which has no types

import os
import time
from itertools import pairwise

import networkx as nx
from os_ken import cfg
from os_ken.base.app_manager import AppManager, OSKenApp
from os_ken.controller import controller, ofp_event  # noqa: F401 -- the former brings its options
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.ofproto import ofproto_v1_3 as of
from os_ken.ofproto import ofproto_v1_3_parser as parser
from os_ken.topology import event, switches  # noqa: F401 -- the latter brings its options
from os_ken.topology.api import get_all_link, get_all_switch

CHANGES = [event.EventSwitchEnter, event.EventSwitchLeave, event.EventSwitchReconnected, event.EventLinkAdd,
           event.EventLinkDelete, event.EventPortAdd, event.EventPortModify]  # fmt: skip
LLDP = b"\x88\xcc"
QUIET = 1.0


class LearningSwitch(OSKenApp):
    OFP_VERSIONS = [of.OFP_VERSION]
    graph, datapaths, hosts, changed = None, {}, {}, time.monotonic()

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def switch_connects(self, ev):
        self.add_flow(ev.msg.datapath, 0, {}, of.OFPP_CONTROLLER)

    @set_ev_cls(CHANGES)
    def graph_changes(self, _):
        if self.graph is not None:
            self.forget_flows()
        self.graph, self.changed = None, time.monotonic()

    def learn_graph(self):
        found, links = get_all_switch(self), list(get_all_link(self))
        self.datapaths = {switch.dp.id: switch.dp for switch in found}
        self.graph = nx.DiGraph(
            [(link.src.dpid, link.dst.dpid, {"port": link.src.port_no}) for link in links]
        )
        self.graph.add_nodes_from(self.datapaths)
        ends = {(end.dpid, end.port_no) for link in links for end in (link.src, link.dst)}
        self.host_ports = {(port.dpid, port.port_no) for switch in found for port in switch.ports} - ends
        self.hosts = {}

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def frame_arrives(self, ev):
        data, here = ev.msg.data, (ev.msg.datapath.id, ev.msg.match["in_port"])
        target, source = data[:6].hex(":"), data[6:12].hex(":")
        if data[12:14] == LLDP or time.monotonic() - self.changed < QUIET:
            return
        if self.graph is None:
            self.learn_graph()
        if here in self.host_ports:
            if self.hosts.get(source, here) != here:
                self.forget_flows()  # it moved
            self.hosts[source] = here
        if target in self.hosts:
            self.connect(here[0], source, target)
            self.send([self.hosts[target]], data)
        elif here in self.host_ports:
            self.send(self.host_ports - {here}, data)

    def connect(self, start, source, target):
        end, port = self.hosts[target]
        if nx.has_path(self.graph, start, end):
            path = nx.shortest_path(self.graph, start, end)
            outs = [*(self.graph[a][b]["port"] for a, b in pairwise(path)), port]
            for switch, out in reversed(list(zip(path, outs, strict=True))):
                self.add_flow(self.datapaths[switch], 1, {"eth_src": source, "eth_dst": target}, out, 60)

    def add_flow(self, dp, priority, match, out, idle=0):
        actions = [parser.OFPActionOutput(out, of.OFPCML_NO_BUFFER)]
        does = [parser.OFPInstructionActions(of.OFPIT_APPLY_ACTIONS, actions)]
        dp.send_msg(parser.OFPFlowMod(dp, cookie=priority, priority=priority, idle_timeout=idle,
                                      match=parser.OFPMatch(**match), instructions=does))  # fmt: skip

    def forget_flows(self):
        for dp in self.datapaths.values():
            dp.send_msg(parser.OFPFlowMod(dp, cookie=1, cookie_mask=1, command=of.OFPFC_DELETE,
                                          table_id=of.OFPTT_ALL, out_port=of.OFPP_ANY,
                                          out_group=of.OFPG_ANY))  # fmt: skip

    def send(self, places, data):
        for switch, port in places:
            actions = [parser.OFPActionOutput(port)]
            self.datapaths[switch].send_msg(parser.OFPPacketOut(
                self.datapaths[switch], of.OFP_NO_BUFFER, of.OFPP_CONTROLLER, actions, data))  # fmt: skip


if __name__ == "__main__":
    listen = [
        "--ofp-listen-host",
        "127.0.0.1",
        "--ofp-tcp-listen-port",
        os.environ.get("OPENFLOW_PORT", "6653"),
    ]
    cfg.CONF(["--observe-links", *listen])
    AppManager.run_apps([__file__])
