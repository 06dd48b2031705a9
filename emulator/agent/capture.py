"""Record packets for a client: in a process of its own that writes pcap to its output, until SIGINT.

Its last line on standard error is JSON: {"packets", "dropped"}, or {"error"}.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

from emulator.access import CaptureRequest
from emulator.agent.leases import LEASES
from emulator.agent.processes import HeldProcess
from emulator.carriers.plain_errors import plain_error
from emulator.carriers.protocol import Answer, RunningCall
from emulator.linux.processes.interrupts import stoppable
from emulator.tasks import Plain


def start(call: RunningCall, arguments: Mapping[str, Plain], data: bytes) -> Answer:
    """Start recording `request` (as `CaptureRequest`) in `node`; return the process's number."""
    del call, data
    words = json.dumps([arguments["name"], arguments["node"], arguments["request"]])
    process = subprocess.Popen(  # noqa: S603 -- our own words, no shell
        [sys.executable, "-P", "-m", "emulator.agent.capture", words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0, cwd="/",
    )  # fmt: skip
    return Answer(LEASES.add(HeldProcess(process)))


def main() -> int:
    """Record into standard output."""
    from emulator.agent.reach import access_of

    name, node, request = json.loads(sys.argv[1])
    try:
        with stoppable():
            result = access_of({"name": name}).capture(node, CaptureRequest(**request), sys.stdout.buffer)
    except Exception as error:  # noqa: BLE001 -- told to the caller
        sys.stderr.write("\n" + json.dumps({"error": plain_error(error)}) + "\n")
        return 1
    sys.stderr.write("\n" + json.dumps({"packets": result.packets, "dropped": result.dropped}) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
