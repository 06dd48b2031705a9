"""`inspect` shows what ip(8) finds when it enters the namespaces by the words that `inspect` gives."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = pytest.mark.privileged

FILE = """
name: seen
topology: {generator: linear, k: 2, hosts_per_switch: 1}
addressing: {ipv6: fd00::/64}
"""


def test_interfaces_addresses_macs_and_what_runs(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "seen.yaml").write_text(FILE)
    cli("up", "seen.yaml", code=0)
    cli("exec", "h1", "--", "sh", "-c", "sleep 60 >/dev/null 2>&1 &", code=0)
    cli("link", "s1", "s2", "down", code=0)
    found = cli.json("inspect", "seen")
    assert [node["name"] for node in found["nodes"]] == ["s1", "s2", "h1", "h2"]
    for node in found["nodes"]:
        words = [*node["nsenter"], "ip", "-j", "address"]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
        kernel = {one["ifname"]: one for one in json.loads(done.stdout)}
        links = {link["interface"]: link for link in node["links"]}
        assert links.keys() == kernel.keys() - {"lo", node["name"]}, "all interfaces, besides the bridge"
        for name, link in links.items():
            assert link["mac"] == kernel[name]["address"]
            assert link["up"] == ("UP" in kernel[name]["flags"])
            assert set(link["addresses"]) == {
                f"{one['local']}/{one['prefixlen']}"
                for one in kernel[name]["addr_info"]
                if one["scope"] == "global"
            }
    running = {node["name"]: node["processes"] for node in found["nodes"]}
    assert [one["command"] for one in running["h1"]] == ["sleep 60"]
    assert Path(f"/proc/{running['h1'][0]['pid']}/cmdline").read_bytes() == b"sleep\x0060\x00"
    assert running["h2"] == running["s1"] == []

    shown = cli("inspect", "--net", "seen", code=0).stdout
    assert f"runs in h1: {running['h1'][0]['pid']} sleep 60" in shown
    assert "02:00:00:03:00:00" in shown
    cli("capture", "h1", "-c", "1", "-w", "h1.pcap", "--seconds", "0.1", code=0)
    assert (tmp_path / "h1.pcap").stat().st_size >= 24
    cli("down", "seen.yaml", code=0)
