"""Bridged networks whose hosts have addresses on several links."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_HOSTS_OF = {
    "two networks": {
        "m": "10.0.0.1/24, 10.0.1.1/24@1", "a": "10.0.0.2/24", "b": "10.0.1.2/24", "c": "10.0.0.3/8",
    },
    "one prefix on both links": {"m": "10.0.0.1/8, 10.0.1.1/8@1", "a": "10.0.0.2/8", "b": "10.0.1.2/8"},
    "the longer prefix wins": {
        "m": "10.0.0.1/8, 10.0.1.1/24@1", "a": "10.0.0.2/8", "b": "10.0.1.2/24", "c": "10.0.1.3/8",
    },
    "only the second link": {"m": "10.0.1.1/24@1", "a": "10.0.0.2/24", "b": "10.0.1.2/24"},
    "both versions": {
        "m": "10.0.0.1/24, 10.0.1.1/24@1, fd00:0:0:0:1::1/80, fd00:0:0:0:2::1/80@1",
        "a": "10.0.0.2/24, fd00:0:0:0:1::2/80", "b": "10.0.1.2/24, fd00:0:0:0:2::2/80",
        "c": "10.0.1.3/8, fd00::3/64",
    },
}  # fmt: skip
"""By case, the addresses of hosts: m's links go to s1 and to s2, a's to s1, all others' to s2."""
CASES = sorted(_HOSTS_OF)


def write(folder: Path, case: str, *, joined: bool = False, **keys: Any) -> Path:
    """Write the case's topology file, named `m`, and return its path; `joined` links s1 with s2."""
    hosts = _HOSTS_OF[case]
    nodes = [{"id": name, "kind": "host", "ip": ip} for name, ip in hosts.items()]
    nodes += [{"id": name, "kind": "switch"} for name in ("s1", "s2")]
    ends = [("m", "s1"), ("m", "s2"), ("a", "s1"), *((name, "s2") for name in hosts if name not in "ma")]
    ends += [("s1", "s2")] if joined else []
    links = [{"source": a, "target": b} for a, b in ends]
    (folder / "graph.json").write_text(json.dumps({"nodes": nodes, "links": links}))
    if case == "both versions":
        keys["addressing"] = {"ipv6": "fd00::/64", **keys.get("addressing", {})}
    path = folder / "m.yaml"
    path.write_text(json.dumps({"name": "m", "topology": {"file": "graph.json"}, **keys}))
    return path
