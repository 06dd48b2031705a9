"""Shell scripts that run on a worker: reserve it, record devices before they exist, remove everything.

Ownership is recorded on the worker: the folder FOLDER names the network and its devices, and each container
carries the network's name in its configuration (TAG). Nothing else is ever removed.
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


def reserve(network: str) -> str:
    """Return the script that reserves a worker for `network`, or prints what is in the way."""
    return script(f"""
d={FOLDER}
if mkdir $d 2>/dev/null; then
  found=$({devices()} | tr '\\n' ' ')
  if [ -n "$found" ]; then
    rmdir $d; echo "devices of a Distrinet that isn't ours ($found)"; exit {TAKEN}
  fi
  echo {shlex.quote(network)} > $d/network
elif [ "$(cat $d/network 2>/dev/null)" != {shlex.quote(network)} ]; then
  echo "the network $(cat $d/network 2>/dev/null)"; exit {TAKEN}
fi
""")


def record_devices() -> str:
    """Return the script that records the devices in its input, which Distrinet is about to create."""
    return f"cat >> {FOLDER}/devices"


def existing_containers(names: list[str]) -> str:
    """Return the script that prints which of the containers exist already."""
    wanted = shlex.quote("\n".join(names))
    return script(f'all=$(lxc list -f csv -c n) || exit 1; echo "$all" | grep -Fx -e {wanted} || true')


def datapath() -> str:
    """Return the script that succeeds where the kernel has Open vSwitch's datapath."""
    return script("[ -d /sys/module/openvswitch ] || modprobe openvswitch 2>/dev/null")


def remove(network: str) -> str:
    """Return the script that removes all that `network` has on a worker; it prints what is left."""
    name = shlex.quote(network)
    return script(f"""
d={FOLDER}
containers() {{ lxc list {TAG}={name} -f csv -c n; }}
devices() {{ {_NAMES} | grep -Fx -f $d/devices; }}
containers >/dev/null 2>&1 || {{ echo "containers, since LXD doesn't answer"; exit 0; }}
for round in 1 2 3; do
  containers | xargs -r -n 1 -P {_AT_A_TIME} lxc delete --force >/dev/null 2>&1
  [ -z "$(containers)" ] && break
done
left=$(containers | tr '\\n' ' ')
if [ "$(cat $d/network 2>/dev/null)" = {name} ]; then
  if [ -e $d/devices ]; then
    devices | sed 's/^/link delete dev /' | ip -force -batch - >/dev/null 2>&1
    left="$left$(devices | tr '\\n' ' ')"
  fi
  [ -n "$left" ] || rm -rf $d
fi
echo "$left"
""")


def devices() -> str:
    """Return the command that prints devices with names of Distrinet's: at most five."""
    return f"{_NAMES} | grep -xE 'v?admin-br|vNone|v?intf[0-9]+|vx_[0-9]+' | head -n 5"


def script(text: str) -> str:
    """Return the command line for a shell that may be any: the user's login shell."""
    return f"sh -c {shlex.quote(text)}"
