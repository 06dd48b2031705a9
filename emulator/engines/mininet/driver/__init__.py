"""The program that holds a Mininet network, for the Python that Mininet is installed for.

`emulator/engines/driven/boot.py` starts it as the package `driver`. It imports the standard library, Mininet
and `serving`: nothing of it is imported by the emulator itself, whose Python may be another. Mininet's own
chatter goes to the driver's log.
"""
