"""Send or receive at full speed inside a node; run as a script.

`throughput.py receive tcp|udp SECONDS` prints the received bits per second of payload, after half a second
of warmup. `throughput.py send tcp|udp ADDRESS SECONDS` sends until the receiver goes away.
"""

from __future__ import annotations

import socket
import sys
import time
from contextlib import suppress

PORT = 5201
RUN_IN = 0.5
_KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def receive(protocol: str, seconds: float) -> float:
    with socket.socket(socket.AF_INET, _KINDS[protocol]) as sock:
        sock.bind(("0.0.0.0", PORT))  # noqa: S104 -- in its own namespace
        source = sock
        if protocol == "tcp":
            sock.listen()
            sock.settimeout(10)
            source, _ = sock.accept()
        source.settimeout(5)
        buffer = bytearray(1 << 20)
        source.recv_into(buffer)
        _during(source, buffer, RUN_IN)
        begin = time.monotonic()
        total = _during(source, buffer, seconds)
        return total * 8 / (time.monotonic() - begin)


def _during(source: socket.socket, buffer: bytearray, seconds: float) -> int:
    end, total = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        total += source.recv_into(buffer)
    return total


def send(protocol: str, address: str, seconds: float) -> None:
    """Send until the receiver goes away, for at most `seconds`.

    By UDP, a receiver that isn't there yet refuses only after some packets have been sent. One that is there
    stays for longer than it runs in.
    """
    data = bytes(1472 if protocol == "udp" else 1 << 18)
    end = time.monotonic() + seconds
    heard = False
    while not heard and time.monotonic() < end:
        with socket.socket(socket.AF_INET, _KINDS[protocol]) as sock, suppress(OSError):
            sock.connect((address, PORT))
            begin = time.monotonic()
            while time.monotonic() < end:
                sock.send(data)
                heard = protocol == "tcp" or time.monotonic() > begin + RUN_IN
        time.sleep(0 if heard else 0.02)


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        print(receive(sys.argv[2], float(sys.argv[3])))  # noqa: T201
    else:
        send(sys.argv[2], sys.argv[3], float(sys.argv[4]))
