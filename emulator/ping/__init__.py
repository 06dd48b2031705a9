"""Small ping for machines without one: `emulator exec h1 -- ping h2` works everywhere.

It runs inside a node and uses only Python's own library; `emulator.linux.processes.own_ping` starts it.
Options, output and exit codes are those of iputils' ping (20221126), as far as tests of networks use it.
"""
