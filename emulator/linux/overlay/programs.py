"""The programs of the data path, loaded. Their source and compiled form are in `programs/`.

`from_stack` belongs on the way out of an uplink, `from_wire` on its way in, `from_device` on the way in of
the compute host's end of a veth to a tenant.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from emulator.closing import Closing
from emulator.linux.bpf.code import Code, read_code
from emulator.linux.bpf.program import Program
from emulator.linux.bpf.syscall import close_quietly
from emulator.linux.overlay.maps import OverlayMaps

FOLDER = Path(__file__).parent / "programs"
NAMES = ("from_stack", "from_device", "from_wire")


@dataclass(frozen=True)
class Programs(Closing):
    """Descriptors of the loaded programs: needed until they are attached to the last device."""

    from_stack: int
    from_device: int
    from_wire: int

    def close(self) -> None:
        """Close the descriptors. Programs that are attached stay."""
        for descriptor in (self.from_stack, self.from_device, self.from_wire):
            close_quietly(descriptor)


def shipped(name: str) -> Code:
    """Return the compiled form of a program."""
    return read_code(FOLDER / f"{name}.json")[name]


def load_programs(maps: OverlayMaps) -> Programs:
    """Load the three programs over the maps of one network. Raises KernelError.

    Each keeps all the maps, so that any of them leads back to the network (`OverlayMaps.reopen`).
    """
    loaded: list[Program] = []
    named = maps.by_name()
    try:
        for name in NAMES:
            loaded.append(Program.load(shipped(name), named))
            for one in named.values():
                loaded[-1].bind(one)
    except BaseException:
        for program in loaded:
            program.close()
        raise
    return Programs(*(program.fd for program in loaded))
