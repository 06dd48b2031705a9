"""Scripts on the real kernel; what they say is compared with iproute2."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import emulator

pytestmark = pytest.mark.privileged
OFFICE = {"name": "office", "topology": {"generator": "tree", "depth": 2, "fanout": 2}}


def test_a_script(state_dir: Path) -> None:
    with emulator.up(OFFICE) as net:
        h1 = net["h1"]
        (interface,) = h1.interfaces
        (found,) = json.loads(h1.run(["ip", "-j", "address", "show", "dev", interface.name]).output)
        assert found["address"] == interface.mac
        assert [f"{a['local']}/{a['prefixlen']}" for a in found["addr_info"]] == list(interface.addresses)
        assert h1.run("ping -c1 -W5 h4 | grep -c ' 0% packet loss'").output == "1\n"
        assert h1.run(["echo", "$HOME; h1"]).output == "$HOME; h1\n"  # no shell sees a list
        failed = h1.run("echo out; echo err >&2; printf '\\377'; exit 3")
        assert (failed.code, failed.output, failed.errors, failed.ok) == (3, "out\n\ufffd", "err\n", False)
        assert h1.run("sleep 20", timeout=0.2).timed_out
        assert [one.output for one in net.run("h[12]", "hostname -I | tr -d ' '")] == [
            "10.0.0.1\n",
            "10.0.0.2\n",
        ]

        echo = net["h2"].popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert echo.communicate("said\n", timeout=30)[0] == "said\n"
        waiting = net["h2"].popen("echo begun; exec sleep 60", stdout=subprocess.PIPE, text=True)
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == "begun\n"
        waiting.terminate()
        assert waiting.wait(timeout=30) == 128 + 15
        waiting.stdout.close()

        link = net.link("s2", "h1")
        link.down()
        (port,) = json.loads(net["s2"].run("ip -j link show dev s2-eth2").output)
        assert "UP" not in port["flags"]
        assert not h1.run("ping -c1 -W1 h4").ok
        assert not net.check().unexpected  # the graph knows that it is cut
        link.up()
        link.set(bandwidth="5 Mbit")
        assert "rate 5Mbit" in h1.run("tc qdisc show dev h1-eth0").output
        link.reset()
        assert "tbf" not in h1.run("tc qdisc show dev h1-eth0").output
        net["s1"].run("ip link set s1-eth2 down")
        assert len(net.deviations()) == 1
        assert net.repair()
        assert net.check(sample=6).is_right
        assert net.deviations() == []


def test_a_script_that_fails_leaves_nothing(state_dir: Path) -> None:
    def script() -> None:
        with emulator.up(OFFICE) as net:
            _ = len(net) / 0

    with pytest.raises(ZeroDivisionError):
        script()
    assert not (state_dir / "office").exists()
