"""The program that holds a Distrinet network, for the Python that Distrinet's needs are installed for.

`emulator/engines/driven/boot.py` starts it as the package `driver`. It imports only the standard library,
Distrinet, asyncssh (which Distrinet needs) and `serving`. Distrinet's own output goes to the driver's log.

Distrinet creates containers, bridges, tunnels, queues and switches by its own classes. Its way to the workers
is replaced (`transport.py`), because it waits forever, repeats forever, and loses wake-ups.
"""
