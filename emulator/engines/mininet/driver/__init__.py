"""The program that holds a Mininet network, for the Python that Mininet is installed for.

It is started as `python3 -I -c BOOT` (`emulator/engines/mininet/launch.py`) and imports only the
standard library and Mininet: nothing of this is imported by the emulator itself, whose Python may be
another. It answers requests, JSON lines, on a UNIX socket; Mininet's own chatter goes to its log.
"""
