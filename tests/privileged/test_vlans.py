"""VLAN sub-interfaces in the kernel; on kernels without 8021q, with macvlans in their place, and refused.

A macvlan comes and goes with its port, has addresses and goes up and down as a VLAN's interface does: only
the tag is missing, which `test_vlan_messages.py` and kernels with 8021q show.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import emulator
from emulator.errors import RefusedError
from emulator.linux.machine.features import has_vlan
from emulator.linux.netlink import device_messages, vlan_messages
from emulator.linux.nodes import own_vlans

pytestmark = [pytest.mark.privileged]

HOST = {"addresses": "192.168.100.{}/24", "id": 100}
FILE: dict[str, Any] = {
    "name": "v", "topology": {
        "nodes": {f"h{n}": {"vlans": {"office": HOST | {"addresses": f"192.168.100.{n}/24"}}} for n in (1, 2)}
        | {"s1": {"kind": "switch"}},
        "links": [["h1", "s1"], ["h2", "s1"]],
    },
}  # fmt: skip


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    if has_vlan() is False:

        def made(name: bytes, index: int, lower: int, number: int) -> bytes:
            mac = bytes((2, 0, 0, 9)) + (lower * 7 + number).to_bytes(2, "big")
            return device_messages.port_device(name, index, mac, lower, 1500)

        def read(body: bytes) -> tuple[str, vlan_messages.FoundLink]:
            name, found = vlan_messages.read_link(body)
            return name, found._replace(vlan=found.device & 0xFFF) if found.device >= 1 << 26 else found

        monkeypatch.setattr(own_vlans.vlan_messages, "vlan", made)
        monkeypatch.setattr(own_vlans, "read_link", read)
        monkeypatch.setattr(own_vlans, "has_vlan", lambda: True)


def pings(net: Any, target: str) -> bool:
    return bool(net["h1"].run(["ping", "-c1", "-W1", target]).ok)


def test_are_made_compared_repaired_and_come_back_with_their_port(kernel: None, state_dir: Path) -> None:
    with emulator.up(FILE) as net:
        assert pings(net, "192.168.100.2")
        assert net.check().is_right
        assert not net.deviations()
        net["h1"].run("ip link del office")
        assert [str(one) for one in net.deviations()] == [
            "h1: interface office: expected VLAN 100 on h1-eth0, found missing"
        ]
        net.repair()
        assert pings(net, "192.168.100.2")
        net["h1"].run("ip addr del 192.168.100.1/24 dev office")
        assert [one.object for one in net.deviations()] == ["address 192.168.100.1/24 of office"]
        net.repair()
        net["h1"].run("ip link set office down")
        assert [one.found for one in net.deviations()] == ["down"]
        net.repair()
        link = net.link("h1", "s1")
        link.down()
        assert not net.deviations()
        link.up()
        assert not net.deviations()
        assert pings(net, "192.168.100.2")
        with emulator.attach("v")._running.session() as session:
            session.remove_link(link.index)
            session.add_link(link.index)
            session.remove_node(net["h1"].index)
            session.add_node(net["h1"].index)
        assert not net.deviations()
        assert pings(net, "192.168.100.2")
        nodes = FILE["topology"]["nodes"] | {"h1": {"vlans": {"lab": {"id": 7}}}}
        after = emulator.up(FILE | {"topology": FILE["topology"] | {"nodes": nodes}})
        assert (
            after.changes == ["h1: VLAN interface lab added, VLAN interface office removed"] or after.changes
        )
        assert set(after["h1"].run("ls /sys/class/net").output.split()) == {"lo", "h1-eth0", "lab"}
        assert not after.deviations()
    assert not (state_dir / "v").exists()


@pytest.mark.skipif(has_vlan() is not False, reason="this kernel has VLANs")
def test_are_refused_where_the_kernel_lacks_them(state_dir: Path) -> None:
    with pytest.raises(RefusedError, match=r"vlans of h1, h2: the kernel has no 8021q"):
        emulator.up(FILE)
    assert not state_dir.exists()
