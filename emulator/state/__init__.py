"""What runs on this machine, written down before it is made.

The state directory (mode 0700) holds one folder per network: `record.json` (what, which engine,
which phase), `topology.npz` (the graph that runs), `hosts` (names for /etc/hosts), and what the
engine adds. It is on a tmpfs by default, so that a reboot, which ends the networks, ends the
records as well. `EMULATOR_STATE_DIR` moves it.
"""

from emulator.state.directory import MOUNTS, names, shared_lock, state_root
from emulator.state.folder import NetworkState
from emulator.state.record import Record, link_states

__all__ = ["MOUNTS", "NetworkState", "Record", "link_states", "names", "shared_lock", "state_root"]
