"""The program that holds a Mininet network, for the Python that Mininet is installed for.

`emulator/engines/driven/boot.py` starts it as the package `driver`. It imports only the standard library,
Mininet and `serving`. The emulator itself never imports it, since the emulator's Python may be another one.
Mininet's own output goes to the driver's log.
"""
