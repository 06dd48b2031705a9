"""A controller for any fabric, loops included: `pip install os-ken`, then `python learning_switch.py`.

os-ken finds the links by LLDP; when none has turned up for a second, all other ports are hosts'. A frame to
a host that was heard takes a shortest path, any other leaves by hosts' ports only: nothing can circle.

Nothing may be raised: os-ken 4 then ends the application without a word.
"""

import math
import os
import time
from contextlib import suppress

import networkx as nx
from os_ken import cfg
from os_ken.base.app_manager import AppManager, OSKenApp
from os_ken.controller import controller, ofp_event  # noqa: F401 -- the former brings its options
from os_ken.controller.handler import MAIN_DISPATCHER, set_ev_cls
from os_ken.ofproto import ofproto_v1_3 as of
from os_ken.ofproto import ofproto_v1_3_parser as parser
from os_ken.topology import event, switches  # noqa: F401 -- the latter brings its options


class LearningSwitch(OSKenApp):
    OFP_VERSIONS = [of.OFP_VERSION]
    graph, switches, hosts, settled = nx.DiGraph(), {}, {}, math.inf
    ports, inner = set(), set()  # all, and those that lead to switches: (datapath id, number)

    @set_ev_cls([event.EventSwitchEnter, event.EventSwitchReconnected])
    def switch_comes(self, ev):
        self.graph.add_node(ev.switch.dp.id)
        self.switches[ev.switch.dp.id] = ev.switch.dp
        self.ports |= {(port.dpid, port.port_no) for port in ev.switch.ports}
        self.add_flow(ev.switch.dp, 0, {}, of.OFPP_CONTROLLER)
        self.forget()

    @set_ev_cls([event.EventPortAdd, event.EventPortDelete])
    def port_changes(self, ev):
        change = self.ports.add if type(ev) is event.EventPortAdd else self.ports.discard
        change((ev.port.dpid, ev.port.port_no))
        self.forget()

    @set_ev_cls([event.EventLinkAdd, event.EventLinkDelete])
    def link_changes(self, ev):
        change = self.graph.add_edges_from if type(ev) is event.EventLinkAdd else self.graph.remove_edges_from
        change([(ev.link.src.dpid, ev.link.dst.dpid, {"port": ev.link.src.port_no})])
        self.inner |= {(end.dpid, end.port_no) for end in (ev.link.src, ev.link.dst)}  # no host's any more
        self.forget()

    def forget(self):  # hosts and paths: switches ask again, and get no answer for a second
        self.hosts, self.settled = {}, time.monotonic() + 1.0
        paths = {"cookie": 1, "cookie_mask": 1, "out_port": of.OFPP_ANY, "out_group": of.OFPG_ANY}
        for dp in self.switches.values():
            self.send(parser.OFPFlowMod(dp, command=of.OFPFC_DELETE, **paths))

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def frame_comes(self, ev):
        dp, here, data = ev.msg.datapath, (ev.msg.datapath.id, ev.msg.match["in_port"]), ev.msg.data
        target, source, outs = data[:6].hex(":"), data[6:12].hex(":"), ()
        known = dp.id in self.switches  # after a restart frames may come before their switch
        if known and time.monotonic() > self.settled and data[12:14] != b"\x88\xcc":  # LLDP is for os-ken
            if here not in self.inner and self.hosts.setdefault(source, here) != here:
                self.forget()  # the host has moved
            elif target in self.hosts and nx.has_path(self.graph, dp.id, self.hosts[target][0]):
                path, port = nx.shortest_path(self.graph, dp.id, self.hosts[target][0]), self.hosts[target][1]
                outs = [(dp.id, self.graph[dp.id][path[1]]["port"] if path[1:] else port)]
                self.add_flow(dp, 1, {"eth_src": source, "eth_dst": target}, outs[0][1])
            elif here not in self.inner:
                outs = self.ports - self.inner - {here}
        for to, port in outs:
            does = [parser.OFPActionOutput(port)]
            out = parser.OFPPacketOut(self.switches[to], of.OFP_NO_BUFFER, of.OFPP_CONTROLLER, does, data)
            self.send(out)

    def add_flow(self, dp, rank, match, out):
        does = [parser.OFPInstructionActions(of.OFPIT_APPLY_ACTIONS, [parser.OFPActionOutput(out, 65535)])]
        match = parser.OFPMatch(**match)
        self.send(parser.OFPFlowMod(dp, cookie=rank, priority=rank, match=match, instructions=does))

    def send(self, message):
        with suppress(AttributeError):  # os-ken's queue of a switch that goes at this moment
            message.datapath.send_msg(message)


if __name__ == "__main__":
    port = os.environ.get("OPENFLOW_PORT", "6653")
    cfg.CONF(["--observe-links", "--ofp-listen-host", "127.0.0.1", "--ofp-tcp-listen-port", port])
    AppManager.run_apps([__file__])
