"""Complete state of a network in the kernel and Open vSwitch, read by iproute2, bridge, ethtool and ovs-*.

Nothing is read through the emulator's own netlink code. Values that change by themselves are left out:
counters, timers, learned addresses, numbers that the kernel chose. A snapshot is {node: {object:
words}}, so that a difference has a name.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Snapshot = dict[str, dict[str, str]]

_OF_IP = ("link", "address", "neighbour", "route4", "rule4", "route6", "rule6")
_NODE = r"""
echo "@ ip"; ip -j -d -batch - <<END
link show
address show
neighbour show nud permanent
route show table all
rule show
END
ip -j -d -6 -batch - <<END
route show table all
rule show
END
echo "@ qdisc"; tc -j -d qdisc show
echo "@ bridge port"; bridge -j -d link show
for port in $(tc qdisc show | grep -v noqueue | sed 's/.* dev \([^ ]*\) .*/\1/' | sort -u); do
    echo "@ class $port"; tc class show dev $port
    echo "@ filter $port"; tc filter show dev $port
    echo "@ ingress $port"; tc filter show dev $port ingress 2>/dev/null
done
for port in $(ip -br link show type veth | sed 's/[@ ].*//'); do
    echo "@ offload $port"; ethtool -k $port | grep -E '^(tx|rx)-checksumming'
done
echo "@ sysctl"; cd /proc/sys/net && grep -s . ipv4/ip_forward ipv[46]/fib_multipath_hash_* \
    ipv4/conf/*/forwarding ipv4/conf/*/rp_filter ipv4/conf/*/send_redirects \
    ipv6/conf/*/disable_ipv6 ipv6/conf/*/forwarding ipv6/conf/*/accept_dad ipv6/conf/*/addr_gen_mode
"""
_ALL = r"""
for file in "$1"/* "$1"/.[!.]*; do
    [ -e "$file" ] || continue
    inode=$(stat -L -c %i "$file")
    echo "@@ ${file##*/} $inode"
    case " $done " in *" $inode "*) continue;; esac
    done="$done $inode"
    nsenter --net="$file" sh -c "$2"
done
"""
_UNSTABLE = re.compile(
    r"timer|_timer|^(link_netnsid|stats|stats64|no|id|port_id|designated_port|designated_cost|"
    r"tentative|topology_change.*|config_pending|carrier_.*|valid_life_time|preferred_life_time|refcnt|bytes|packets|"
    r"drops|overlimits|requeues|backlog|qlen|direct_packets_stat|rate|tokens|ctokens|lended|borrowed|giants)$"
)
"""Keys of objects; `qlen` and `rate` only in the output of `tc` (see `_kept`)."""
_SETTINGS_TOO = frozenset({"rate", "qlen"})
_COUNTED = re.compile(r"(duration|n_packets|n_bytes|idle_age|hard_age|cookie)=[^, ]+,? ?")
_PROGRAM = re.compile(r"(?<= )id \d+ (?=name )")
"""Number of a BPF program in the output of `tc`."""
_MAC_OF_INTERNAL = re.compile(r',"+[0-9a-f:]{17}"+,(?=\d+,internal,)')
_ROWS = {
    "Bridge": "name,datapath_type,fail_mode,protocols,other_config,stp_enable,datapath_id",
    "Interface": "name,ofport,ofport_request,admin_state,link_state,mac_in_use,mtu,type,error",
    "Controller": "target,is_connected,role,max_backoff,inactivity_probe",
}


def snapshot(state: Path, network: str) -> Snapshot:
    """Return the kernel's state of the network `network` of the state directory `state`.

    Indices of interfaces count only if the engine chooses them: not in a Mininet network, and not for
    Open vSwitch's own devices. On Mininet, Open vSwitch chooses the MACs of these devices.
    """
    folder = state / network
    words = ["nsenter", f"--mount={state / '.mounts' / network}", "sh", "-c", _ALL, "sh", str(folder / "ns")]
    done = subprocess.run([*words, _NODE], capture_output=True, text=True, check=True, timeout=60)
    numbered = not (folder / "mininet").exists()
    found: Snapshot = {}
    inodes: dict[str, str] = {}
    node, section, lines = "", "", list[str]()
    for line in [*done.stdout.splitlines(), "@ end"]:
        if not line.startswith("@"):
            lines.append(line)
            continue
        if section:
            found[node] |= dict(_objects(section, "\n".join(lines), numbered=numbered))
        section, lines = line[2:] if line.startswith("@ ") else "", []
        if line.startswith("@@ "):
            _, node, inode = line.split(" ")
            found[node] = {"namespace": f"that of {inodes.setdefault(inode, node)}"}
    found["Open vSwitch"] = _openvswitch(folder / "ovs", chosen=numbered)
    return found


def differences(before: Snapshot, after: Snapshot) -> list[str]:
    """Return the differences, a line each: node, object, old state and new state."""
    out = []
    for node in sorted({*before, *after}):
        was, now = before.get(node, {}), after.get(node, {})
        for name in sorted({*was, *now}):
            one, other = was.get(name), now.get(name)
            out += [f"{node}: {name}:\n    was {one}\n    is  {other}"] if one != other else []
    return out


def difference_within(before: Snapshot, state: Path, network: str, seconds: float = 10.0) -> list[str]:
    """Return the differences from `before`; Open vSwitch updates its connection states only every 5 s."""
    deadline = time.monotonic() + seconds
    while True:
        found = differences(before, snapshot(state, network))
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def settled(state: Path, network: str, seconds: float = 5.0) -> Snapshot:
    """Return the snapshot as soon as two in a row are equal, and every interface that is up has its carrier.

    The kernel may tell of a carrier up to a second late (net/core/link_watch.c).
    """
    deadline = time.monotonic() + seconds
    last = snapshot(state, network)
    while time.monotonic() < deadline:
        now = snapshot(state, network)
        if not (differences(last, now) or _lacks_carrier(now)):
            break
        last = now
        time.sleep(0.1)
    return last


def _lacks_carrier(found: Snapshot) -> bool:
    return any(_waits(words) for objects in found.values() for words in objects.values())


def _waits(words: str) -> bool:
    """Return whether an interface has no carrier, or a macvlan its state yet, which comes late."""
    return '"NO-CARRIER"' in words or ('"macvlan"' in words and '"operstate": "UNKNOWN"' in words)


def _objects(section: str, text: str, *, numbered: bool) -> Iterator[tuple[str, str]]:
    """Yield the name and the words of each object of a section."""
    if section == "sysctl":
        for line in text.splitlines():
            name, _, value = line.partition(":")
            yield f"sysctl {name}", value
    elif section.startswith(("class", "filter", "ingress", "offload")):  # tc has no JSON for all of them
        yield section, _PROGRAM.sub("", text)
    else:
        answers = dict(zip(_OF_IP, text.splitlines(), strict=True)) if section == "ip" else {section: text}
        for name, answer in answers.items():
            rows = [_kept(row, name) for row in json.loads(answer or "[]")]
            yield from _rows(name, rows, numbered=numbered)


def _rows(section: str, rows: list[dict[str, Any]], *, numbered: bool) -> Iterator[tuple[str, str]]:
    """Yield the name and the words of each object in iproute2's output."""
    for row in rows:
        internal = row.get("linkinfo", {}).get("info_kind") == "tun"
        chosen = ("ifindex", "link_index", "link") if internal or not numbered else ()
        own = internal and (not numbered or row["ifname"] == "ovs-netdev")
        for key in (*chosen, *(("address",) if own else ())):
            row.pop(key, None)
        if not row or _follows_dad(row):
            continue
        if section in ("link", "bridge port"):
            yield f"{section} {row['ifname']}", json.dumps(row, sort_keys=True)
        elif section == "address":
            for address in row["addr_info"]:
                yield f"address of {row['ifname']} {json.dumps(address, sort_keys=True)}", "there"
        else:
            yield f"{section} {json.dumps(row, sort_keys=True)}", "there"


def _follows_dad(row: dict[str, Any]) -> bool:
    """Return whether a row is the local route of a link-local address: it comes a second or two later."""
    return row.get("table") == "local" and str(row.get("dst")).startswith("fe80:")


def _kept(value: Any, section: str) -> Any:
    """Return `value` without the parts that change by themselves."""
    if isinstance(value, list):
        return [_kept(each, section) for each in value]
    if not isinstance(value, dict):
        return value
    keep = _SETTINGS_TOO if section == "qdisc" else frozenset[str]()
    return {
        key: _kept(each, section) for key, each in value.items() if key in keep or not _UNSTABLE.search(key)
    }


def _openvswitch(folder: Path, *, chosen: bool) -> dict[str, str]:
    """Return the state of a network's Open vSwitch, {} without one; `chosen` MACs are those of a plan."""
    if not (folder / "db.sock").exists():
        return {}
    place = str(folder)
    environment = {**os.environ, "OVS_RUNDIR": place, "OVS_DBDIR": place, "OVS_LOGDIR": place}

    def run(*words: str) -> str:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=20, env=environment)
        return done.stdout if done.returncode == 0 else f"{' '.join(words)}: {done.stderr}"

    found = {}
    vsctl = ("ovs-vsctl", "--timeout=10", f"--db=unix:{folder / 'db.sock'}")
    for table, columns in _ROWS.items():
        words = ("--format=csv", "--no-heading", f"--columns={columns}", "list", table)
        for row in run(*vsctl, *words).splitlines():
            found[f"{table} {row if chosen else _MAC_OF_INTERNAL.sub(',', row)}"] = "there"
    for bridge in run(*vsctl, "list-br").split():
        for port in run(*vsctl, "list-ports", bridge).split():
            found[f"port {port}"] = f"in {bridge}"
        socket = f"unix:{folder / f'{bridge}.mgmt'}"
        for kind in ("flows", "groups"):
            for line in run("ovs-ofctl", "-O", "OpenFlow13", f"dump-{kind}", socket).splitlines():
                if "idle_timeout" not in line and not line.startswith(("NXST", "OFPST")):
                    found[f"{kind} of {bridge}: {_COUNTED.sub('', line).strip()}"] = "there"
    return found
