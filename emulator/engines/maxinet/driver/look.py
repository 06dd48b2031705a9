"""Facts about MaxiNet and its workers, for refusals before anything is made."""

from __future__ import annotations

from typing import Any

import Pyro4
from serving.server import StepError

from .connect import Connection
from .fleet import Fleet
from .program import imported, version

Document = dict[str, Any]
_PAYLOAD = 1464
"""Bytes in a ping whose packet is as large as that of a tunnel with the plan's MTU, of 1,450 bytes."""

_FACTS = r"""
has() { command -v "$1" >/dev/null && echo "$1"; }
for p in ip tc brctl ovs-vsctl ovs-ofctl mnexec ethtool ping sysctl tcpdump python3; do has $p; done
works() { name=$1; shift; unshare -n sh -c "$*" >/dev/null 2>&1 && echo "$name"; }
works gretap ip link add probe0 type gretap local 127.0.0.1 remote 127.0.0.2 key 1
works htb tc qdisc add dev lo root htb
works netem tc qdisc add dev lo root netem delay 1ms
ovs-vsctl -t 3 show >/dev/null 2>&1 && echo openvswitch
for p in $(pgrep -P $PPID -x sshd); do
  echo sshd
  f=$(tr '\0' ' ' < /proc/$p/cmdline | sed -n 's/.* -f *\([^ ]*\).*/\1/p')
  [ -n "$f" ] && sed -n 's/^[[:space:]]*MaxStartups[[:space:]=]*\([0-9]*\).*/startups=\1/Ip' "$f"
done
p=$(tr '\0' '\n' < /proc/$PPID/cmdline | head -n 1)
echo "interpreter=$p"
"$p" -c 'import sys, Pyro4, mininet.net
print("python=%d.%d" % sys.version_info[:2])
print("Pyro4=" + Pyro4.__version__.split()[0])
print("mininet=" + mininet.net.VERSION)' 2>/dev/null
true
"""
"""Prints words: what works, and NAME=VALUE. $PPID is MaxiNetWorker, whose Python and SSH server these are."""
_SCRIPT = "create_tunnel.sh >/dev/null 2>&1; echo script=$?"
"""Without arguments, MaxiNet's script only prints its usage; 126 or 127 if it can't be run."""


def look(settings: Document) -> Document:
    """Return facts: for each worker whether it is registered, its user, what works there, and its peers."""
    connection = Connection(settings)
    imported(settings["home"])
    registered = connection.workers()
    fleet = Fleet(connection.password, connection.owner)
    names = [name for name in settings["workers"] if name in registered]
    for name in names:
        fleet.add(name, *connection.addresses(name))
    config = connection.remote("config")
    peers = {name: str(config.get_worker_ip(name, "backend")) for name in names}

    def ask(worker: str) -> Document:
        others = " ".join(address for name, address in peers.items() if name != worker)
        ping = f'ping -c 1 -W 1 -M do -s {_PAYLOAD} "$a" >/dev/null'
        large = f'for a in {others}; do {ping} || echo "lost $a"; done; true'
        try:
            words = fleet.shell(worker, _FACTS).split()
            with fleet.proxy(worker, "server") as server:
                words.append(server.script_check_output(_SCRIPT).split()[-1])
            lost = fleet.shell(worker, large).split("\n") if others else []
        except StepError as error:
            return {"error": str(error)}
        return {
            "works": [word for word in words if "=" not in word],
            "values": dict(word.split("=", 1) for word in words if "=" in word),
            "lost": [line.partition(" ")[2] for line in lost if line.startswith("lost ")],
        }

    facts = fleet.each(ask)
    users = {name: registered[name]["assigned"] for name in names}
    workers = {
        name: {"user": user, "own": connection.is_own(user), **facts[name]} for name, user in users.items()
    }
    return {
        "host": connection.host, "pyro": str(Pyro4.__version__), "version": version(settings["home"]),
        "registered": sorted(registered), "workers": workers,
    }  # fmt: skip
