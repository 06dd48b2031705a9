"""Files that build with `Mininet(…)` instead of a `Topo`, and notes of what isn't taken over."""

from pathlib import Path

import pytest
from support import topologies

from topologies.build import build
from topologies.errors import InputError
from topologies.identifiers import dpid, interface_name
from topologies.outside import MachineInterface
from topologies.outside_nodes import lent_interfaces
from topologies.spec.load import load_text
from topologies.topology import Kind, Topology

HEAD = """
import sys, time
from functools import partial
from mininet.cli import CLI
from mininet.link import Link, TCIntf, TCLink
from mininet.net import Mininet
from mininet.node import Controller, CPULimitedHost, Host, Node, OVSSwitch, RemoteController
from mininet.topolib import TreeNet, TreeTopo
from mininet.util import custom, pmonitor, quietRun
"""
NET = """
net = Mininet(ipBase="10.5.0.0/16", autoSetMacs=True, waitConnected=True)
h1, h2 = net.addHost("h1"), net.addHost("h2", ip="10.5.9.9/16")
s1 = net.addSwitch("s1")
net.addLink(h1, s1, cls=TCLink, bw=10, delay="5ms")
link = net.addLink("h2", "s1", port2=9)
"""


def loaded(folder: Path, code: str, options: str = "", addressing: str = "") -> Topology:
    (folder / "t.py").write_text(HEAD + code, encoding="utf-8")
    text = f"name: m\ntopology: {{mininet: t.py{options}}}\n{addressing}"
    return build(load_text(text, folder=folder))


def addresses(topology: Topology) -> dict[str, tuple[str, ...]]:
    return {
        topology.names[node]: tuple(text for _, text in own.addresses)
        for node, own in topology.explicit.items()
    }


@pytest.mark.parametrize(
    "end",
    ["", "net.start()\nnet.pingAll()\nraise ValueError\n", "net.start()\nCLI(net)\nraise ValueError\n",
     "net.start()\nwhile True: time.sleep(1)\n", "net.start()\nh1.popen('ls').communicate()\n",
     "net.start()\ntry:\n  net.iperf()\nfinally:\n  net.stop()\nsys.exit(1)\n", "net.build()\ninput()\n"],
)  # fmt: skip
def test_a_script_is_read_until_it_uses_its_network(tmp_path: Path, end: str) -> None:
    made = loaded(tmp_path, NET + end)
    assert made.kind_counts() == {"host": 2, "switch": 1}
    assert made.ports.tolist() == [[0, 1], [0, 9]]
    assert made.shape(0, 0).bandwidth == 10e6
    assert made.shape(0, 1).delay == 0.005
    assert addresses(made) == {"h1": ("10.5.0.1/16",), "h2": ("10.5.9.9/16",)}
    assert made.explicit[0].macs == ((0, "00:00:00:00:00:01"),)
    assert made.notes == ()


def test_a_main_part_and_a_function_are_run(tmp_path: Path) -> None:
    code = (
        "def make(n=1):\n  net = TreeNet(depth=1, fanout=n)\n  net.start()\n  net.run(net.pingAll)\n"
        "if __name__ == '__main__':\n  make(int(sys.argv[1]) if len(sys.argv) > 1 else 3)\n"
    )
    assert loaded(tmp_path, code).node_count == 4
    assert loaded(tmp_path, code, ", args: [5]").node_count == 6
    assert loaded(tmp_path, code, ", topo: __main__, args: [6]").node_count == 7
    assert loaded(tmp_path, code, ", topo: make, args: [7]").node_count == 8
    with pytest.raises(InputError, match="has no topology `other`"):
        loaded(tmp_path, code, ", topo: other")


def test_a_topo_that_only_the_script_can_make_is_made_by_it(tmp_path: Path) -> None:
    code = (
        "from mininet.topo import Topo\nclass T(Topo):\n  def build(self, n):\n"
        "    for i in range(n): self.addHost('h%d' % i)\n"
    )
    main = "if __name__ == '__main__':\n  CLI(Mininet(T(n=4)))\n"
    assert loaded(tmp_path, code + main).node_count == 4
    assert loaded(tmp_path, code + main, ", args: [2]").node_count == 2
    with pytest.raises(InputError, match=r"missing 1 required.* give it under `args:`"):
        loaded(tmp_path, code)


def test_nodes_without_a_network_are_one(tmp_path: Path) -> None:
    code = (
        "a, b = Host('a'), Node('b')\na.linkTo(b)\nlink = Link(a, b, port1=4, intfName2='b-eth7')\n"
        "a.setIP('10.1.0.1', 16)\nb.setIP('10.1.0.2/16', intf='b-eth0')\na.cmd('ping', b.IP())\n"
    )
    made = loaded(tmp_path, code)
    assert made.ports.tolist() == [[0, 0], [4, 7]]
    bridged = loaded(tmp_path, code + "b.cmd('ovs-vsctl --may-exist add-br b')\n")
    assert (Kind(bridged.kinds[1]), bridged.ports.tolist()) == (Kind.SWITCH, [[0, 1], [4, 8]])
    assert addresses(made) == {"a": ("10.1.0.1/16",), "b": ("10.1.0.2/16",)}
    assert made.notes == (
        "t.py: not taken over: commands of a (ping 10.1.0.2) (write them under `run:` or `sysctl:`)",
    )


def test_what_commands_set_is_taken_over(tmp_path: Path) -> None:
    code = NET + (
        "h2.cmd('sysctl net.ipv4.tcp_sack=0')\n"
        "h2.cmd('ip route add default via 10.5.0.1')\nh2.cmd('ip route add 10.9.0.0/16 via 10.5.0.1')\n"
        "net.start()\n"
    )
    made = loaded(tmp_path, code)
    setup = made.node_profile_of(1).setup
    assert (setup.gateway, setup.routes) == (("10.5.0.1",), (("10.9.0.0/16", "10.5.0.1"),))
    assert setup.sysctl == (("net.ipv4.tcp_sack", "0"),)
    assert made.notes == ()
    assert reread(made, tmp_path).node_profile_of(1).setup == setup
    routed = loaded(
        tmp_path, code.replace("net.start", "h1.cmd('sysctl -w net.ipv4.ip_forward=1')\nnet.start")
    )
    assert Kind(routed.kinds[0]) == Kind.ROUTER
    assert routed.node_profile_of(1).setup.gateway == ()  # the network computes routes


def test_remote_controllers_are_those_of_the_switches(tmp_path: Path) -> None:
    code = NET + "net.addController('c0', controller=RemoteController, ip='10.0.0.9', port=6633)\n"
    made = loaded(tmp_path, code)
    profile = made.node_profile_of(2)
    assert profile.switch == "ovs"
    assert [(one.address, one.port) for one in profile.openflow.controllers] == [("10.0.0.9", 6633)]


def test_everything_else_is_named(tmp_path: Path) -> None:
    code = (
        "class Tagged(Host):\n  def config(self, vlan=1, **params):\n    self.cmd('vconfig add x 1')\n"
        "net = Mininet(host=custom(CPULimitedHost, cpu=.5), autoStaticArp=True, autoPinCpus=True)\n"
        "first = Mininet(TreeTopo(1, 2))\n"
        "s1 = net.addSwitch('s1', dpid='ff', failMode='secure')\n"
        "for n in range(5): net.addLink(net.addHost('h%d' % n, privateDirs=['/tmp']), s1, use_htb=True)\n"
        "net.addHost('t1', cls=Tagged, vlan=7, defaultRoute='dev t1-eth0')\n"
        "net.addHost('root', inNamespace=False, ip='0.0.0.0')\n"
        "net.addController('c1', controller=lambda name, **_: type('Mine', (Controller,), {})(name))\n"
        "CLI(net)\n"
    )
    notes = loaded(tmp_path, code).notes
    words = "t.py: not taken over: "
    assert all(note.startswith(words) for note in notes)
    assert [note.removeprefix(words).split(" (")[0] for note in notes] == [
        "`cpu` of h0, h1, h2 and 3 more",
        "`privateDirs` of h0, h1, h2 and 2 more",
        "commands of t1",
        "`vlan` of t1",
        "`defaultRoute` of t1",
        "class Tagged of t1",
        "`ip: 0.0.0.0` of root",
        "`failMode` of s1",
        "`use_htb` of h0-s1, h1-s1, h2-s1 and 2 more",
        "controller Mine of c1",
        "`autoStaticArp`",
        "`autoPinCpus`",
        "1 more of the script's networks",
    ]


def test_interfaces_of_the_machine_are_taken_over(tmp_path: Path) -> None:
    code = (
        "from mininet.link import Intf\nif not quietRun('ifconfig eth1', shell=True): sys.exit(1)\n"
        + NET
        + "Intf('eth1', node=s1)\nIntf('eth2', node=h2).setIP('192.0.2.7/24')\nnet.start()\nCLI(net)\n"
    )
    made = loaded(tmp_path, code)
    assert made.notes == ()
    assert {made.names[node]: lent for node, lent in lent_interfaces(made).items()} == {
        "s1": (MachineInterface("eth1"),), "h2": (MachineInterface("eth2", ("192.0.2.7/24",)),),
    }  # fmt: skip
    assert made.link_count == 2


def test_routes_of_a_root_node_are_in_its_networks(tmp_path: Path) -> None:
    code = (
        "net = Mininet(TreeTopo(1, 2))\nroot = Node('root', inNamespace=False)\n"
        "intf = net.addLink(root, net['s1']).intf1\nroot.setIP('10.123.123.1/32', intf=intf)\nnet.start()\n"
        "root.cmd('route add -net 10.0.0.0/24 dev ' + str(intf))\n"
        "root.cmd('ip route add 192.168.0.0/24 dev ' + str(intf))\nCLI(net)\n"
    )
    made = loaded(tmp_path, code)
    assert addresses(made)["root"] == ("10.123.123.1/9",)
    (note,) = made.notes
    assert note.startswith("t.py: not taken over: commands of root (ip route add 192.168.0.0/24")


def test_names_of_interfaces_and_datapath_ids(tmp_path: Path) -> None:
    code = (
        "net = Mininet()\nh1, h2 = net.addHost('h1'), net.addHost('h2')\n"
        "s1 = net.addSwitch('s1', dpid='00:0A')\n"
        "net.addLink(h1, s1, port1=1, intfName2='s1-eth7')\nnet.addLink(h2, s1, intfName1='wan0')\n"
        "net.addLink(h2, s1, intfName1='a-name-that-is-too-long', intfName2='s1-eth9')\nnet.start()\n"
    )
    made = loaded(tmp_path, code)
    names = [
        [interface_name(made, int(node), port) for node, port in zip(ends, ports, strict=True)]
        for ends, ports in zip(made.ends, made.ports.tolist(), strict=True)
    ]
    assert names == [["h1-eth1", "s1-eth7"], ["wan0", "s1-eth8"], ["h2-eth1", "s1-eth9"]]
    assert made.ports.tolist() == [[0, 7], [0, 8], [1, 9]]
    assert dpid(made, 2) == f"{10:016x}"
    assert made.notes == ("t.py: not taken over: `intfName` a-name-that-is-too-long of h2",)
    back = reread(made, tmp_path)
    assert (back.explicit, back.ports.tolist()) == (made.explicit, made.ports.tolist())
    with pytest.raises(InputError, match="dpid='x' of `s1` is no datapath id"):
        loaded(tmp_path, "net = Mininet()\nnet.addSwitch('s1', dpid='x')\n")


def reread(topology: Topology, folder: Path) -> Topology:
    """Return what is read from the export of `topology`."""
    (folder / "t.json").write_text(topologies.exported(topology, "json"), encoding="utf-8")
    return build(load_text("name: m\ntopology: {file: t.json}\n", folder=folder))


def test_notes_of_composed_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(HEAD + NET + "h1.cmd('date')\n", encoding="utf-8")
    text = "name: m\ntopology:\n  compose: {a: {mininet: t.py}, b: {generator: single, hosts: 1}}\n"
    made = build(load_text(text, folder=tmp_path))
    assert [note.split(" (")[0] for note in made.notes] == ["t.py: not taken over: commands of h1"]


def test_a_failure_after_the_start_is_a_note_and_one_before_it_an_error(tmp_path: Path) -> None:
    (note,) = loaded(tmp_path, NET + "net.start()\nint(h1.cmd('ifconfig'))\n").notes[-1:]
    assert "what the script does after ValueError" in note
    with pytest.raises(InputError, match=r"t\.py:\d+: raises ValueError"):
        loaded(tmp_path, NET + "int(quietRun('ifconfig'))\n")
