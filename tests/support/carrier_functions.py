"""Functions that tests let workers run: `support.carrier_functions:echo`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from emulator.carriers.protocol import Answer, RunningCall
from emulator.errors import BrokenError, KernelError, RefusedError
from emulator.tasks import Plain

Arguments = Mapping[str, Plain]


def echo(call: RunningCall, arguments: Arguments, data: bytes) -> Answer:
    """Return what came, who runs it, and as which process."""
    sys.stdout.write("what functions print is not part of the answer\n")
    return Answer({"worker": call.worker, "pid": os.getpid(), "arguments": dict(arguments)}, data)


def refuse(call: RunningCall, arguments: Arguments, data: bytes) -> Answer:
    raise RefusedError(["first reason", "second reason"])


def kernel(call: RunningCall, arguments: Arguments, data: bytes) -> Answer:
    raise KernelError("create link", "h1-eth0", 17, "Name not unique")


def bug(call: RunningCall, arguments: Arguments, data: bytes) -> Answer:
    raise ZeroDivisionError("a bug")


def kill_itself(call: RunningCall, arguments: Arguments, data: bytes) -> Answer:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def count(call: RunningCall, arguments: Arguments, data: bytes) -> Answer:
    """Tell three numbers, slowly."""
    for number in range(3):
        call.tell({"number": number})
        time.sleep(0.15)
    return Answer()


def last(call: RunningCall, arguments: Arguments, data: bytes) -> Answer:
    """Run until cancelled or until 30 s have passed; write how it ended to the file `log`."""
    log = Path(arguments["log"])
    log.write_text(str(os.getpid()))
    try:
        for _ in range(600):
            time.sleep(0.05)
            if call.is_cancelled:
                raise BrokenError("cancelled")
    finally:
        time.sleep(arguments.get("rollback", 0.0))
        log.with_suffix(".ended").write_text("cancelled" if call.is_cancelled else "to its end")
    return Answer()


def stubborn(call: RunningCall, arguments: Arguments, data: bytes) -> Answer:
    """Ignore SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    call.tell("deaf")
    time.sleep(30)
    return Answer()


def namespaces(call: RunningCall, arguments: Arguments, data: bytes) -> Answer:
    """Return the namespaces and the state directory that this runs in."""
    found = {kind: Path(f"/proc/self/ns/{kind}").readlink().name for kind in ("net", "mnt")}
    return Answer({**found, "state": os.environ.get("EMULATOR_STATE_DIR")})
