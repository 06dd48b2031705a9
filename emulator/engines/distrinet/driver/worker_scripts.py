"""Shell scripts that run on a worker: reserve it, record devices before they exist, remove everything.

Ownership is recorded on the worker: the folder FOLDER names the network and its devices, and each container
carries the network's name in its configuration (TAG). Nothing else is ever removed. The folder also has a
lock for each driver of the network: its commands hold it while they run.
"""

from __future__ import annotations

import shlex

FOLDER = "/run/emulator-distrinet"
TAG = "user.emulator"
"""Key of a container's configuration; its value is the network's name."""
ADMIN_BRIDGE = "admin-br"
TAKEN = 3
"""Exit code of `reserve` when another network has the worker, or when Distrinet's devices exist."""

_NAMES = "ip -o link | sed -E 's/^[0-9]+: ([^:@]+)[:@].*/\\1/'"
_AT_A_TIME = 8
_UNDER_WAY = 120
"""Seconds to wait for commands of a killed driver: each of them has a container made, or a device."""


def reserve(network: str, driver: str) -> str:
    """Return the script that reserves a worker for `network`, or prints what is in the way.

    The folder appears with its contents at once, by a rename: rename(2) replaces an empty folder, such as a
    killed reservation has left, and no other one. So of two networks that come at a time, one gets it.
    """
    name, new = shlex.quote(network), shlex.quote(f"{FOLDER}.new-{network}")
    return script(f"""
d={FOLDER} new={new}
taken() {{ echo "the network $(cat $d/network)"; exit {TAKEN}; }}
if [ -s $d/network ]; then
  [ "$(cat $d/network)" = {name} ] || taken
else
  found=$({devices()} | tr '\\n' ' ')
  [ -z "$found" ] || {{ echo "devices of a Distrinet that isn't ours ($found)"; exit {TAKEN}; }}
  rm -rf "$new" && mkdir "$new" && echo {name} > "$new/network" || exit 1
  if ! mv -T "$new" $d 2>/dev/null; then
    rm -rf "$new"
    [ ! -s $d/network ] || taken
    echo "$d is no folder of ours; remove it" >&2; exit 1
  fi
fi
: > {_lock(driver)}
""")


def _lock(driver: str) -> str:
    """Return the file that a driver's commands lock while they run, and without which they don't."""
    return f"{FOLDER}/lock.{driver}"


def guarded(text: str, driver: str) -> str:
    """Return the command line that runs `text` under the reservation of `driver`, or not at all.

    A killed driver's commands go on, and some only begin later. `remove` takes the lock away when none runs
    any more, so nothing appears after it.
    """
    lock = _lock(driver)
    gone = f'{{ echo "Error: {lock} is gone: the network is being removed" >&2; exit 1; }}'
    return script(f"""
[ -e {lock} ] || {gone}
exec 9<{lock}
flock -s -w {_UNDER_WAY} 9 && [ -e {lock} ] || {gone}
{text}
""")


def record_devices() -> str:
    """Return the script that records the devices in its input, which Distrinet is about to create."""
    return f"cat >> {FOLDER}/devices"


def make_bridges() -> str:
    """Return the script that makes the bridges in its input, which are half a link each: they learn nothing.

    A link with several ways around it sees a host on both sides. A bridge that has learned one of them drops
    what the host gets from the other: frames of a pair were lost until the entry was refreshed. Distrinet
    itself makes bridges that learn; it uses those that exist.
    """
    return script("sed 's/.*/link add & type bridge ageing_time 0 mcast_snooping 0/' | ip -batch -")


def start_ssh(container: str, *, seconds: int = 60) -> str:
    """Return the script that starts a container's SSH server as soon as the container takes orders.

    An image's systemd refuses them until it has its bus, a second or more after `lxc start`. It says nothing
    when time is up: Distrinet gives the order again, and its failure is the one that counts.
    """
    order = f"lxc exec {container} -- service ssh start </dev/null >/dev/null 2>&1"
    over = '[ "$(date +%s)" -ge $end ]'
    return script(f"end=$(($(date +%s) + {seconds})); until {order} || {over}; do sleep 0.2; done")


def existing_containers(names: list[str]) -> str:
    """Return the script that prints which of the containers exist already."""
    wanted = shlex.quote("\n".join(names))
    return script(f'all=$(lxc list -f csv -c n) || exit 1; echo "$all" | grep -Fx -e {wanted} || true')


def datapath() -> str:
    """Return the script that succeeds where the kernel has Open vSwitch's datapath."""
    return script("[ -d /sys/module/openvswitch ] || modprobe openvswitch 2>/dev/null")


def remove(network: str) -> str:
    """Return the script that removes all that `network` has on a worker; it prints what is left.

    It begins when the commands of the network's drivers have ended, or after a time limit that it tells.
    """
    name, old = shlex.quote(network), shlex.quote(f"{FOLDER}.old-{network}")
    return script(f"""
d={FOLDER} old={old} busy=
rm -rf "$old" {shlex.quote(f"{FOLDER}.new-{network}")}
ours() {{ [ "$(cat $d/network 2>/dev/null)" = {name} ]; }}
containers() {{ timeout 60 lxc list {TAG}={name} -f csv -c n; }}
devices() {{ {_NAMES} | grep -Fx -f $d/devices; }}
containers >/dev/null 2>&1 || {{ echo "containers, since LXD doesn't answer"; exit 0; }}
if ours; then
  for lock in $d/lock.*; do
    [ ! -e $lock ] || flock -x -w {_UNDER_WAY} $lock rm -f $lock || busy="commands that still run, "
  done
fi
for round in 1 2 3; do
  containers | xargs -r -n 1 -P {_AT_A_TIME} lxc delete --force >/dev/null 2>&1
  [ -z "$(containers)" ] && break
done
left=$busy$(containers | tr '\\n' ' ')
if ours; then
  if [ -e $d/devices ]; then
    devices | sed 's/^/link delete dev /' | ip -force -batch - >/dev/null 2>&1
    left="$left$(devices | tr '\\n' ' ')"
  fi
  [ -n "$left" ] || {{ mv -T $d "$old" && rm -rf "$old"; }}
fi
echo "$left"
""")


def devices() -> str:
    """Return the command that prints devices with names of Distrinet's: at most five."""
    return f"{_NAMES} | grep -xE 'v?admin-br|vNone|v?intf[0-9]+|vx_[0-9]+' | head -n 5"


def script(text: str) -> str:
    """Return the command line for a shell that may be any: the user's login shell."""
    return f"sh -c {shlex.quote(text)}"
