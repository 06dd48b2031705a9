"""A host that a changed file moves to another switch is found there at once: nothing stale is left."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from support.command import CommandLine

pytestmark = [pytest.mark.privileged, pytest.mark.e2e]

NODES = "h1: {}, h2: {}, h3: {}, s1: {kind: switch}, s2: {kind: switch}, s3: {kind: switch}"
LINKS = "[s1, s2], [s2, s3], [h2, s2], [h3, s3]"
SWITCHES = {
    "bridge": "switch: bridge\n",
    "static": "switch: bridge\naddressing: {static_arp: true}\n",
    "ovs": "switch: ovs\n",
    "learning": "switch: ovs\nopenflow: {controller: learning}\n",
    "learning10": "switch: ovs\nopenflow: {controller: learning, protocols: [OpenFlow10]}\n",
    "tree": "switch: ovs\nopenflow: {flows: tree}\n",
    "command": "switch: ovs\nopenflow: {controller: {command:"
    " [ovs-testcontroller, -O, OpenFlow13, '--unixctl=none', 'ptcp:6653']}}\n",
}


@pytest.mark.parametrize("switches", SWITCHES)
@pytest.mark.parametrize("engine", ["netns", "mininet"])
def test_a_moved_host_is_found_at_once(engine: str, switches: str, tmp_path: Path, cli: CommandLine) -> None:
    if switches not in {"bridge", "static"} and not shutil.which("ovs-testcontroller"):
        pytest.skip("apt install openvswitch-switch openvswitch-testcontroller")
    if engine == "mininet" and not shutil.which("mnexec"):
        pytest.skip("apt install mininet")
    head = f"name: m\nengine: {engine}\n{SWITCHES[switches]}"

    def place(switch: str) -> None:
        links = f"[[h1, {switch}], {LINKS}]"
        (tmp_path / "m.yaml").write_text(f"{head}topology: {{nodes: {{{NODES}}}, links: {links}}}\n")
        cli("up", "m.yaml", code=0)

    place("s1")
    assert cli.json("check")["unexpected"] == []
    for switch in ("s2", "s3", "s1"):
        place(switch)
        begin = time.monotonic()
        assert unexpected(cli) == []
        assert time.monotonic() - begin < 5
    cli("down", "m", code=0)


def unexpected(cli: CommandLine) -> list[dict[str, str]]:
    """Return what differs, which may be something."""
    found: list[dict[str, str]] = json.loads(cli("check", "--json").stdout)["unexpected"]
    return found
