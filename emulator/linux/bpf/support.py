"""Abilities of this machine: can it run our BPF programs? Found by trial."""

from __future__ import annotations

import errno
import sys
from functools import cache

import numpy as np

from emulator.errors import EmulationError, KernelError
from emulator.linux.bpf.code import Code
from emulator.linux.bpf.maps import ARRAY, MMAPABLE, Map
from emulator.linux.bpf.program import CGROUP_SOCK_ADDR, SCHED_CLS, Program

_RETURN_0 = bytes.fromhex("b700000000000000 9500000000000000")
"""`r0 = 0; exit`."""
_ATTACH = {CGROUP_SOCK_ADDR: 8}
"""Attach types that kinds of programs must have: BPF_CGROUP_INET4_BIND stands for all of its kind."""
_REASONS = {
    errno.EPERM: "this process may not use bpf(2): run as root of the machine (CAP_BPF and CAP_NET_ADMIN)",
    errno.ENOSYS: "this kernel was built without bpf(2): use one with CONFIG_BPF_SYSCALL",
    errno.EINVAL: "this kernel is too old for these programs: use Linux 5.13 or later",
}


@cache
def lacking_bpf(kind: int = SCHED_CLS) -> str | None:
    """Return why BPF programs of `kind` and maps in memory can't be used here; None when they can."""
    if sys.byteorder != "little":
        return "the BPF programs are compiled for little-endian machines"
    try:
        with Map.create("em_trial", ARRAY, 4, 8, 1, flags=MMAPABLE) as trial:
            trial.mapped(np.uint64)
            Program.load(
                Code("em_trial", "Dual MIT/GPL", _RETURN_0, {}), {}, kind, _ATTACH.get(kind, 0)
            ).close()
    except KernelError as error:
        return _REASONS.get(error.errno or 0, str(error))
    except EmulationError as error:
        return str(error)
    return None
