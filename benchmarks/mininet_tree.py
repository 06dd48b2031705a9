"""Mininet's own `mn --topo tree,DEPTH,FANOUT --test none`, with its two halves timed separately.

Run by the interpreter that has Debian's Mininet: `mininet_tree.py DEPTH FANOUT bridge|ovs`. It makes the same
calls as `mn` (mininet/bin `begin()`): build and start, no test, stop. The first `seconds` last until every
switch and host is up. The import of Mininet, `mn`'s own clean-up and the start of Open vSwitch's daemons
are not counted, in favour of Mininet.
"""

import json
import sys
import time
from functools import partial

from mininet.net import Mininet
from mininet.node import OVSBridge
from mininet.nodelib import LinuxBridge
from mininet.topolib import TreeTopo

depth, fanout, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
switch = LinuxBridge if kind == "bridge" else partial(OVSBridge, datapath="user")
begin = time.perf_counter()
net = Mininet(topo=TreeTopo(depth=depth, fanout=fanout), switch=switch, controller=None, waitConnected=False)
net.start()
build = time.perf_counter() - begin
hosts, switches = len(net.hosts), len(net.switches)
begin = time.perf_counter()
net.stop()
stop = time.perf_counter() - begin
print(json.dumps({"deploy": build, "down": stop, "hosts": hosts, "switches": switches}))
