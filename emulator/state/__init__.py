"""Record of the networks on this machine, written before anything is created.

The state directory (mode 0700) holds one folder per network: `record.json` (network, engine, phase),
`topology.npz` (the running graph), `placement.npy` (the worker of each node, with several workers), `hosts`
(names for /etc/hosts), and files of the engine. By default it is on a tmpfs. A reboot, which ends the
networks, removes the records as well. `EMULATOR_STATE_DIR` moves it.
"""

from emulator.state.directory import MOUNTS, names, shared_lock, stamp_of, state_root
from emulator.state.folder import NetworkState
from emulator.state.record import Record, link_states

__all__ = [
    "MOUNTS",
    "NetworkState",
    "Record",
    "link_states",
    "names",
    "shared_lock",
    "stamp_of",
    "state_root",
]
