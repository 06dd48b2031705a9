"""Mininet's own `mn --switch lxbr --topo tree,DEPTH,FANOUT --test none`, with its two halves timed apart.

Run by the interpreter that has Debian's Mininet. It calls what `mn` calls (mininet/bin `begin()`):
build and start, no test, stop. The first `seconds` are until every switch and host is up; importing
Mininet and `mn`'s own clean-up are not counted, so the comparison is kind to Mininet.
"""

import json
import sys
import time

from mininet.net import Mininet
from mininet.nodelib import LinuxBridge
from mininet.topolib import TreeTopo

topo = TreeTopo(depth=int(sys.argv[1]), fanout=int(sys.argv[2]))
begin = time.perf_counter()
net = Mininet(topo=topo, switch=LinuxBridge, controller=None, waitConnected=False)
net.start()
build = time.perf_counter() - begin
hosts, switches = len(net.hosts), len(net.switches)
begin = time.perf_counter()
net.stop()
stop = time.perf_counter() - begin
print(json.dumps({"deploy": build, "down": stop, "hosts": hosts, "switches": switches}))
