"""After a changed file gave addresses or MACs to other nodes, nobody keeps a wrong neighbour."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

FILES = {
    "routed": "name: r\nforwarding: routed\ntopology: {{generator: leaf-spine, leaves: {leaves}}}\n",
    "bridged": "name: r\ntopology: {{generator: leaf-spine, leaves: {leaves}}}\n",
    "vpc": (
        "name: r\nforwarding: routed\ntopology: {{generator: vpc, ports: 4, hosts: 4, "
        "underlay: {{generator: leaf-spine, leaves: {leaves}}}}}\n"
    ),
}


def everywhere(cli: CommandLine, *words: str) -> dict[str, list[dict[str, object]]]:
    """Return what `ip -json` says in each full node."""
    said = cli("exec", "[hls]*", "--", "ip", "-json", *words, code=0).stdout.splitlines()
    found = (line.partition(": ") for line in said)
    return {name: json.loads(text) for name, _, text in found}


def owners(cli: CommandLine) -> dict[str, str]:
    """Return the MAC of each IPv4 address of the network."""
    return {
        str(one["local"]): str(link["address"])
        for links in everywhere(cli, "address").values()
        for link in links
        for one in link["addr_info"]  # type: ignore[attr-defined]
        if one["family"] == "inet" and link["ifname"] != "lo"
    }


@pytest.mark.parametrize("kind", FILES)
def test_nobody_keeps_a_wrong_neighbour(kind: str, cli: CommandLine, tmp_path: Path) -> None:
    changed = False
    before: dict[str, str] = {}
    for leaves in (3, 4, 2):
        (tmp_path / "r.yaml").write_text(FILES[kind].format(leaves=leaves))
        cli("up", "r.yaml", code=0)
        right = owners(cli)
        changed |= any(right[address] != mac for address, mac in before.items() if address in right)
        before = right
        for node, entries in everywhere(cli, "neigh").items():
            wrong = [
                entry
                for entry in entries
                if "lladdr" in entry and right.get(str(entry["dst"]), entry["lladdr"]) != entry["lladdr"]
            ]
            assert not wrong, (node, wrong)
        assert cli.json("check", "--sample", "100000")["unexpected"] == []
    assert changed, "the files must give some address another MAC"
    cli("down", "r", code=0)
