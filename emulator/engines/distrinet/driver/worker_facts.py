"""The script that finds facts about a worker, and what it prints. Pure."""

from __future__ import annotations

import shlex
from typing import Any

from .worker_scripts import FOLDER, devices, script

_FACTS = """
for p in lxc brctl ifconfig ip flock; do command -v $p >/dev/null && echo "has $p"; done
works() {{ name=$1; shift; unshare -n sh -c "$*" >/dev/null 2>&1 && echo "has $name"; }}
works vxlan ip link add v0 type vxlan id 1 remote 127.0.0.1 local 127.0.0.1 dstport 4789
works htb tc qdisc add dev lo root htb
works netem tc qdisc add dev lo root netem delay 1ms
timeout 20 lxc list -f csv >/dev/null 2>&1 && echo "has lxd"
timeout 20 lxc profile show default 2>/dev/null | grep -qx ' *path: /' && echo "has disk"
timeout 20 lxc image info {image} >/dev/null 2>&1 && echo "has image"
echo "user $(id -u)"
echo "network $(cat {folder}/network 2>/dev/null)"
echo "devices $({devices} | tr '\\n' ' ')"
awk '/^MemAvailable/ {{ print "memory", $2 * 1024 }}' /proc/meminfo
PATH=$PATH:/usr/sbin; sshd -T 2>/dev/null | sed -nE "s/^(max(sessions|startups)|allowtcpforwarding) /sshd &/p"
timeout 20 lxc version 2>/dev/null | sed -n "s/^Server version: /lxd /p"
echo "files $(ulimit -n)"
true
"""


def facts_script(image: str) -> str:
    """Return the script, for a worker that should have the LXD image `image`."""
    return script(_FACTS.format(image=shlex.quote(image), folder=FOLDER, devices=devices()))


def facts(text: str) -> dict[str, Any]:
    """Return what the script has printed: a key and a value on each line."""
    out: dict[str, Any] = {
        "has": [], "sshd": {}, "user": "", "network": "", "devices": "", "memory": 0, "lxd": "", "files": "",
    }  # fmt: skip
    for line in text.splitlines():
        key, _, value = line.strip().partition(" ")
        if key == "has":
            out["has"].append(value)
        elif key == "sshd":
            name, _, setting = value.partition(" ")
            out["sshd"][name] = setting
        elif key == "memory":
            out["memory"] = int(float(value))
        elif key in out:
            out[key] = value.strip()
    return out
